import torch

from burnish.rollout.cache import COLUMNS_PER_BLOCK, Layout, SlotCache

HEADS, CHANNELS = 2, 3


def prefix(value, length):
    return [torch.full((2, HEADS, length, CHANNELS), float(value)) for _ in range(2)]


def filled(lengths):
    """A cache whose slot i holds the number i + 1."""
    cache = SlotCache(len(lengths), Layout.TIGHT)
    for slot, length in enumerate(lengths):
        rows = prefix(slot + 1, length)
        cache.fit(max(lengths[: slot + 1]) + 1, rows)
        cache.fill(slot, 1, rows)
    return cache


def write(cache, positions, value):
    cache.point(torch.tensor(positions))
    new = torch.full((len(positions), HEADS, 1, CHANNELS), float(value))
    return cache.update(new, -new, layer_idx=1)


def test_each_row_is_written_at_its_own_position():
    cache = filled([3, 1])

    keys, values = write(cache, [3, 1], 9)

    assert keys[0, :, :5, 0].tolist() == [[1, 1, 1, 9, 0]] * HEADS
    assert keys[1, :, :5, 0].tolist() == [[2, 9, 0, 0, 0]] * HEADS
    assert values[0, :, 3, 0].tolist() == [-9] * HEADS
    assert keys[0].is_contiguous()


def test_growing_keeps_what_is_stored_and_zeroes_the_rest():
    cache = filled([3, 1])
    write(cache, [3, 1], 9)

    cache.fit(COLUMNS_PER_BLOCK + 1)

    keys, _ = write(cache, [COLUMNS_PER_BLOCK, 2], 7)
    assert keys.shape[2] == 2 * COLUMNS_PER_BLOCK
    assert keys[0, 0, :4, 0].tolist() == [1, 1, 1, 9]
    assert keys[0, 0, 4:, 0].sum() == 7
    assert keys[1, 0, :4, 0].tolist() == [2, 9, 7, 0]


def test_width_follows_the_longest_row_both_ways():
    cache = filled([3])

    cache.fit(20 * COLUMNS_PER_BLOCK)
    cache.fit(19 * COLUMNS_PER_BLOCK)
    assert cache.num_columns == 20 * COLUMNS_PER_BLOCK

    cache.fit(5)
    keys, _ = write(cache, [3], 9)
    assert keys[0, 0, :5, 0].tolist() == [1, 1, 1, 9, 0]
    assert cache.num_columns == COLUMNS_PER_BLOCK


def test_a_moved_row_takes_its_columns_along():
    cache = filled([3, 2, 4])

    cache.move(2, 0)
    cache.keep(2)

    keys, _ = write(cache, [4, 2], 9)
    assert keys.shape[0] == 2
    assert keys[0, 0, :6, 0].tolist() == [3, 3, 3, 3, 9, 0]
    assert keys[1, 0, :4, 0].tolist() == [2, 2, 9, 0]


def test_a_reused_slot_forgets_its_last_row():
    cache = filled([6, 6])
    cache.keep(1)

    cache.fill(1, 1, prefix(5, 2))

    keys, _ = write(cache, [6, 2], 9)
    assert keys[1, 0, :7, 0].tolist() == [5, 5, 9, 0, 0, 0, 0]


def test_columns_are_put_into_a_slot_and_copied_out_of_it():
    cache = filled([3, 1])
    piece = torch.arange(2.0 * 2 * HEADS * 2 * CHANNELS).view(2, 2, HEADS, 2, CHANNELS)

    cache.put(1, 4, piece)

    assert torch.equal(cache.copied(1, 6, 4), piece)
    assert torch.equal(torch.stack(cache.prefix(1, 6))[:, :, :, 4:], piece)
    assert cache.copied(0, 3, 1)[0, 0, 0, :, 0].tolist() == [1, 1]
    copied = cache.copied(1, 6, 4)
    cache.put(1, 4, -piece)
    assert torch.equal(copied, piece)
