"""Votes with weights."""

import pytest

from burnish.search.voting import weighted_vote


def test_the_heaviest_answer_wins_though_others_are_more():
    assert weighted_vote(["7", "8", "8", None], [0.9, 0.4, 0.3, 5.0]) == "7"


def test_equal_weights_are_self_consistency():
    assert weighted_vote(["7", "8", "8"], [1, 1, 1]) == "8"


def test_a_tie_goes_to_the_first_seen():
    assert weighted_vote(["8", "7", "7"], [2, 1, 1]) == "8"


@pytest.mark.parametrize("answers", [[], [None, None]])
def test_without_answers_there_is_no_winner(answers: list[str | None]):
    assert weighted_vote(answers, [1.0] * len(answers)) is None


@pytest.mark.parametrize("weights", [[1.0], [1.0, -0.1], [1.0, float("nan")]])
def test_weights_that_cannot_be_counted_are_refused(weights: list[float]):
    with pytest.raises(ValueError, match="weights"):
        weighted_vote(["7", "8"], weights)
