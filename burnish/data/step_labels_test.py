from __future__ import annotations

import pytest

from burnish.data.step_labels import labels_of_tree, value_of_outcomes, value_of_rating
from burnish.types import StepLabels, SteppedTokens

PROMPT = (2, 40)


def test_one_completion_of_four_that_gets_there_is_hard_1_and_soft_a_quarter():
    outcomes = [False, True, False, False]
    assert value_of_outcomes(outcomes, "hard") == 1.0
    assert value_of_outcomes(outcomes, "soft") == 0.25
    assert value_of_outcomes([False, False], "hard") == 0.0
    assert value_of_outcomes([], "hard") is None
    assert value_of_outcomes([], "soft") is None


def test_a_neutral_rating_is_what_one_says_it_is():
    assert value_of_rating(1, "wrong") == 1.0
    assert value_of_rating(-1, "right") == 0.0
    assert [value_of_rating(0, n) for n in ("right", "wrong", "left_out")] == [1.0, 0.0, None]


def test_every_node_of_a_tree_is_labelled_once():
    #        0
    #      1   2        3 is a leaf below 1, as is 4; 2 is a leaf without a value
    #     3 4
    found = labels_of_tree(
        "p",
        PROMPT,
        parents=[-1, 0, 0, 1, 1],
        step_ids=[(), (5, 6), (7,), (8,), (9, 10)],
        values=[0.0, 0.5, None, 1.0, 0.25],
    )
    assert found == [
        StepLabels(SteppedTokens("p", PROMPT, ((5, 6), (8,))), (0.5, 1.0)),
        StepLabels(SteppedTokens("p", PROMPT, ((5, 6), (9, 10))), (None, 0.25)),
    ]


def test_a_tree_of_a_root_alone_says_nothing():
    assert labels_of_tree("p", PROMPT, parents=[-1], step_ids=[()], values=[0.0]) == []


@pytest.mark.parametrize("values", [[0.0, 1.5], [0.0, -0.1], [0.0, float("nan")], [0.0]])
def test_values_that_cannot_be_are_refused(values):
    with pytest.raises(ValueError, match=r"between 0 and 1|parents"):
        labels_of_tree("p", PROMPT, parents=[-1, 0], step_ids=[(), (5,)], values=values)
