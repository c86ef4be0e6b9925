"""Chance in a search belongs to a place in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from burnish.search.asker import Asker
from burnish.search.tree import Tree


def chosen(purpose: str = "select", num_rounds: int = 0, node: int = 0, seed: int = 1) -> int:
    tree = Tree("t", "?", seed)
    tree.num_rounds = num_rounds
    return Asker(tree).choice(range(1000), purpose, node)


@pytest.mark.parametrize("place", ["num_rounds", "node", "seed"])
def test_another_round_node_or_seed_is_another_draw(place: str):
    at: dict[str, Callable[[int], int]] = {
        "num_rounds": lambda number: chosen(num_rounds=number),
        "node": lambda number: chosen(node=number),
        "seed": lambda number: chosen(seed=number),
    }
    draws = {at[place](number) for number in range(5)}

    assert len(draws) == 5


def test_the_same_place_is_the_same_draw_and_another_purpose_another_one():
    assert chosen() == chosen()
    assert chosen("select") != chosen("roll")


def test_a_single_option_needs_no_chance():
    assert Asker(Tree("t", "?", 1)).choice(["only"], "select", 0) == "only"
