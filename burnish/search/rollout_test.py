"""What a rollout asks for, where it ends, and what of it is kept."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from burnish.search.asks import Critique, End
from burnish.search.mcts import MctsConfig
from burnish.search.mcts_test import BOOK, BY_HAND, facts, searched
from burnish.search.scripted import Book, SumWorld


@dataclass(frozen=True, slots=True)
class Closing(Book):
    """A book whose critic says of some texts that they are finished."""

    finished: tuple[str, ...] = ()

    def criticise(self, prefixes):
        return [Critique(prefix.text in self.finished, "", 1) for prefix in prefixes]


def test_no_rollout_leaves_the_value_as_it_is():
    config = BY_HAND.model_copy(update={"roll_forward_steps": 0, "iteration_limit": 1})

    assert facts(searched(config, BOOK, BOOK))["a"] == (0.5, 1)


def test_a_rollout_goes_no_further_than_the_end_of_a_solution():
    config = BY_HAND.model_copy(update={"roll_forward_steps": 5, "iteration_limit": 1})

    # V(a) = 0.75 * 0.5 + 0.25 * V(ace.).
    assert facts(searched(config, BOOK, BOOK))["a"] == (0.6125, 1)


def test_steps_behind_an_end_marker_do_not_count():
    book = Book(
        {"": ["ab"], "ab": ["answer is 4"], "abanswer is 4": ["cd"]},
        {"ab": 0.2, "abanswer is 4": 0.4, "abanswer is 4cd": 0.9},
    )
    config = MctsConfig(branch=1, roll_forward_steps=2, iteration_limit=1)

    assert facts(searched(config, book, book))["ab"] == (0.3, 1)


def test_a_rollout_asks_for_the_steps_that_are_left_of_it():
    class Counting(Book):
        """Remembers how many steps it was asked for."""

        def propose(self, requests):
            wanted.extend(request.max_steps for request in requests)
            return super().propose(requests)

    wanted: list[int | None] = []
    # The second step of the rollout repeats an earlier one, so it is refused.
    book = Counting({"": ["ab"], "ab": ["cd"], "abcd": ["ab"]}, {"ab": 0.4, "abcd": 0.6})
    config = MctsConfig(branch=1, roll_forward_steps=3, iteration_limit=1, num_tries=2)

    tree = searched(config, book, book)

    assert wanted == [1, 3, 2, 2]
    assert facts(tree)["ab"] == (0.5, 1)


def test_kept_steps_are_not_put_below_a_node_that_is_as_deep_as_the_search_goes():
    changes = {"rolled_steps": "kept", "iteration_limit": 1, "max_depth": 1}

    tree = searched(BY_HAND.model_copy(update=changes), BOOK, BOOK)

    assert [tree.prefix(i).text for i in range(len(tree))] == ["", "a", "b"]
    assert tree.values[1] == pytest.approx(0.55)


@pytest.mark.parametrize(("m", "iterations"), [(0, 2), (1, 1)])
def test_what_the_critic_calls_finished_is_neither_grown_nor_rolled_on(m, iterations):
    """Met when it is selected, or already by the rollout that starts from it."""
    book = Closing({"": ["ab"]}, {"ab": 0.3}, finished=("ab",))
    config = MctsConfig(branch=1, roll_forward_steps=m, self_critic="ask")

    tree = searched(config.model_copy(update={"iteration_limit": iterations}), book, book, book)

    assert (len(tree), tree.ends[1], tree.values[1]) == (2, End.FINAL, 0.3)
    assert [critique.is_finished for critique in tree.known_critiques.values()] == [True]


def test_a_rollout_ends_where_the_critic_calls_it_finished():
    book = Closing({"": ["ab"], "ab": ["cd"]}, {"ab": 0.2, "abcd": 0.8}, finished=("abcd",))
    config = MctsConfig(branch=1, roll_forward_steps=3, self_critic="ask", iteration_limit=1)

    assert facts(searched(config, book, book, book))["ab"] == (0.5, 1)


def test_no_prefix_is_criticised_twice_though_rollouts_and_selection_meet_it():
    class Counting(SumWorld):
        """Remembers what it was asked about."""

        def criticise(self, prefixes):
            asked.extend(prefix.text for prefix in prefixes)
            return super().criticise(prefixes)

    asked: list[str] = []
    world = Counting(is_silent=True)
    config = MctsConfig(self_critic="ask", iteration_limit=12, when_found="continue")

    searched(config, world, world, world, question="20")

    assert len(asked) > 12
    assert len(asked) == len(set(asked))
    assert "" not in asked
