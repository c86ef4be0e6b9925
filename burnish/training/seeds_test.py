from __future__ import annotations

from collections import Counter

import pytest

from burnish.training.seeds import batch_indices, derived_seed, epoch_order


def test_each_place_has_a_seed_of_its_own():
    places = [(0,), (1,), (0, 1), (1, 0), (0, "1"), (0, "a", "b"), (0, "a, b"), (0, "ab")]
    seeds = {derived_seed(*place) for place in places}
    assert len(seeds) == len(places)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seed_is_the_same_on_every_machine_and_day():
    assert derived_seed(1, "reft", 2) == 7755452399592635375


def test_epochs_visit_every_row_in_different_orders():
    orders = [epoch_order(50, seed=3, epoch=epoch) for epoch in range(2)]
    assert [sorted(order) for order in orders] == [list(range(50))] * 2
    assert orders[0] != orders[1]
    assert epoch_order(50, seed=4, epoch=0) != orders[0]


@pytest.mark.parametrize(("size", "batch_size"), [(10, 4), (10, 5), (3, 7), (1, 2)])
def test_batches_follow_each_other_without_a_gap(size, batch_size):
    steps = 5 * size
    rows = [
        row
        for step in range(steps)
        for row in batch_indices(size, step, batch_size=batch_size, seed=0)
    ]
    assert len(rows) == steps * batch_size
    epochs = [rows[start : start + size] for start in range(0, len(rows), size)]
    assert all(sorted(epoch) == list(range(size)) for epoch in epochs)
    assert set(Counter(rows).values()) == {5 * batch_size}


def test_a_batch_is_a_function_of_its_step():
    assert batch_indices(10, 7, batch_size=4, seed=0) == batch_indices(10, 7, batch_size=4, seed=0)
