import torch

from burnish.rollout.prefixes import PrefixStore

LAYERS, HEADS, CHANNELS = 2, 3, 4
TOKEN_BYTES = LAYERS * 2 * HEADS * CHANNELS * 4


def kept(token_ids, start):
    """Numbers that say which token they belong to and what stood before it."""
    sums = torch.tensor(token_ids).cumsum(0)[start:]
    return sums.float()[None, None, None, :, None].expand(LAYERS, 2, HEADS, -1, CHANNELS).clone()


def store_of(*sequences, max_bytes=2**20):
    store = PrefixStore(max_bytes)
    for token_ids in sequences:
        store.remember(token_ids, lambda start, of=token_ids: kept(of, start))
    return store


def known(store, token_ids):
    pieces = store.known(token_ids)
    return torch.cat(pieces, dim=3) if pieces else kept(token_ids, len(token_ids))


def num_known(store, token_ids):
    found = known(store, token_ids)
    assert torch.equal(found, kept(token_ids, 0)[:, :, :, : found.shape[3]])
    return found.shape[3]


def test_the_longest_known_beginning_is_found():
    store = store_of((1, 2, 3, 4, 5), (1, 2, 3, 7, 8), (1, 2, 9), (4, 4))

    assert num_known(store, (1, 2, 3, 4, 5, 6)) == 5
    assert num_known(store, (1, 2, 3, 7)) == 4
    assert num_known(store, (1, 2, 9, 9)) == 3
    assert num_known(store, (4, 4, 4)) == 2
    assert num_known(store, (1, 2)) == 2
    assert num_known(store, (2, 1)) == 0
    assert num_known(store, ()) == 0


def test_what_is_shared_is_held_once_and_asked_for_once():
    asked = []
    store = PrefixStore(2**20)
    for token_ids in ((1, 2, 3), (1, 2, 4, 5), (1, 2), (1, 2, 4, 5)):

        def rest(start, of=token_ids):
            asked.append((of, start))
            return kept(of, start)

        store.remember(token_ids, rest)

    assert asked == [((1, 2, 3), 0), ((1, 2, 4, 5), 2)]
    assert store.num_bytes == 5 * TOKEN_BYTES


def test_what_was_not_used_for_longest_is_forgotten_first():
    store = store_of((1, 2, 3), (1, 2, 4), (5, 6), max_bytes=6 * TOKEN_BYTES)
    assert num_known(store, (1, 2, 3)) == 3

    store.remember((7, 8), lambda start: kept((7, 8), start))

    assert store.num_bytes <= 6 * TOKEN_BYTES
    assert num_known(store, (1, 2, 4)) == 2
    assert num_known(store, (1, 2, 3)) == 3
    assert num_known(store, (7, 8)) == 2


def test_what_others_continue_outlives_them():
    store = store_of((1, 2, 3, 4), (1, 2, 5, 6), max_bytes=4 * TOKEN_BYTES)

    assert num_known(store, (1, 2, 3, 4)) == 2
    assert num_known(store, (1, 2, 5, 6)) == 4


def test_a_sequence_larger_than_the_memory_is_not_kept():
    store = store_of((1, 2, 3), max_bytes=2 * TOKEN_BYTES)

    assert store.num_bytes == 0
    assert num_known(store, (1, 2, 3)) == 0


def test_no_memory_asks_for_nothing():
    def rest(start):
        raise AssertionError(f"asked for what follows token {start}")

    PrefixStore(0).remember((1, 2), rest)


def test_cleared_it_knows_nothing():
    store = store_of((1, 2, 3))

    store.clear()

    assert num_known(store, (1, 2, 3)) == store.num_bytes == 0
    store.remember((1, 2), lambda start: kept((1, 2), start))
    assert num_known(store, (1, 2, 3)) == 2
