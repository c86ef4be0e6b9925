"""Which proposals become children, what they are worth, and what counts as found."""

from __future__ import annotations

import pytest

from burnish.search.asks import End
from burnish.search.mcts import MctsConfig
from burnish.search.mcts_test import facts, searched
from burnish.search.scripted import Book

STRAIGHT = MctsConfig(branch=1, roll_forward_steps=0, iteration_limit=1)


@pytest.mark.parametrize("value", [-0.5, 0.05, 0.5, 1.7])
def test_values_are_clipped_to_their_range(value):
    book = Book({"": ["ab"]}, {"ab": value})
    config = STRAIGHT.model_copy(update={"low": 0.1, "high": 0.9})

    assert facts(searched(config, book, book))["ab"][0] == min(max(value, 0.1), 0.9)


def test_a_marker_is_found_in_any_case_of_its_own():
    book = Book({"": ["So the answer is 4\n"]}, {})
    config = STRAIGHT.model_copy(update={"end_markers": ("The ANSWER",)})

    assert searched(config, book, book).ends[1] == End.FINAL


def test_the_question_alone_passes_no_gate():
    book = Book({"": ["ab."]}, {"ab.": 0.3})
    config = STRAIGHT.model_copy(update={"end_gate": 0.0, "iteration_limit": 5})

    tree = searched(config, book, book)

    assert tree.prefix(tree.solution).text == "ab."
