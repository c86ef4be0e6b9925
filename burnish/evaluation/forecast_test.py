from __future__ import annotations

from itertools import combinations

import pytest

from burnish.errors import DataError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.forecast import advice, outlook, unequal_probability
from burnish.evaluation.statistics import wilson_interval
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def row(name: str, *rewards: float | None, cut: int = 0) -> EvaluatedProblem:
    """A reward of 1 is right; None could not be graded; the first `cut` are cut off."""
    completions = tuple(
        Completion(
            (1,), (2,), (0.0,), (0.0,), "", StopReason.LENGTH if at < cut else StopReason.EOS
        )
        for at in range(len(rewards))
    )
    verdicts = tuple(
        GraderFailure("exception", "") if reward is None else Score(reward, reward == 1.0, None)
        for reward in rewards
    )
    return EvaluatedProblem(Problem(name, "?", "1"), completions, verdicts)


MIXED = Evaluation(
    (
        row("a", 0.0, 0.0, 0.0, 0.0, cut=2),
        row("b", 1.0, 0.0, 0.0, 1.0),
        row("c", 1.0, 1.0, 1.0, 1.0),
        row("d", 0.0, 0.1, 0.0, 0.0, cut=1),
    )
)


def test_problems_by_pass_rate():
    found = outlook(MIXED, group_size=2)
    shares = (found.never.value, found.sometimes.value, found.always.value)
    assert shares == (0.5, 0.25, 0.25)
    assert found.pass_rate.value == pytest.approx((0 + 0.5 + 1 + 0) / 4)
    assert found.reward.value == pytest.approx((0 + 0.5 + 1 + 0.025) / 4)
    assert found.truncated.value == pytest.approx((0.5 + 0 + 0 + 0.25) / 4)
    assert (found.num_samples, found.group_size, found.never.n) == (4, 2, 4)
    assert 0 < found.never.low < 0.5 < found.never.high < 1


def test_signal_counts_partial_credit_and_cover_does_not():
    found = outlook(MIXED, group_size=2)
    assert found.covered.value == pytest.approx((0 + 5 / 6 + 1 + 0) / 4)
    assert found.signal.value == pytest.approx((0 + 4 / 6 + 0 + 3 / 6) / 4)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_chance_of_unequal_payments_is_the_share_of_subsets(size):
    paid = [0.0, 0.0, 0.0, 1.0, 1.0, 0.1]
    subsets = list(combinations(paid, size))
    expected = sum(len(set(subset)) > 1 for subset in subsets) / len(subsets)
    assert unequal_probability([3, 2, 1], size) == pytest.approx(expected)


def test_problems_with_too_few_graded_samples_are_left_out():
    rows = (row("a", 1.0, 0.0), row("b", None, 1.0))
    found = outlook(Evaluation(rows), group_size=2)
    assert (found.signal.value, found.signal.n) == (1.0, 1)
    with pytest.raises(DataError, match="no problem has 3 samples"):
        outlook(Evaluation(rows), group_size=3)


def text_of(*rows: EvaluatedProblem) -> str:
    return " ".join(advice(outlook(Evaluation(rows), group_size=2)))


def test_advice_tells_hopeless_from_solved():
    hopeless = text_of(*[row(str(n), 0.0, 0.0) for n in range(3)])
    assert hopeless.startswith("WARNING: only 0 % of the groups of 2")
    assert "100 % of the problems are never solved" in hopeless
    solved = text_of(*[row(str(n), 1.0, 1.0) for n in range(3)])
    assert "100 % of the problems are always solved" in solved
    assert "never solved" not in solved


def test_enough_to_learn_from_needs_no_advice():
    assert text_of(row("a", 1.0, 0.0), row("b", 0.0, 0.0)) == ""


def test_cut_answers_are_named():
    assert "50 % of the samples reach the token limit" in text_of(row("a", 1.0, 0.0, cut=1))


def test_numbers_for_a_file_have_their_intervals():
    tree = outlook(MIXED, group_size=2).as_json()
    assert (tree["num_samples"], tree["group_size"]) == (4, 2)
    assert tree["always"] == wilson_interval(1, 4).as_json()
    assert len(tree) == 10
