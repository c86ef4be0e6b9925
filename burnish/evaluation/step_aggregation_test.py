from __future__ import annotations

import pytest

from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.step_aggregation import (
    AGGREGATIONS,
    Aggregation,
    StepVerifier,
    aggregate,
    best_of_n,
)
from burnish.types import Completion, Problem, Score, StopReason

BY_HAND: dict[Aggregation, float] = {"min": 0.4, "product": 0.16, "last": 0.5, "mean": 1.7 / 3}


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_each_aggregation_by_hand(how):
    assert aggregate([0.8, 0.4, 0.5], how) == pytest.approx(BY_HAND[how])
    assert aggregate([], how) == 0.0


def completion(text: str) -> Completion:
    return Completion((2,), (5,), (0.0,), (0.0,), text, StopReason.EOS)


def evaluation(*rows: tuple[bool, ...]) -> Evaluation:
    """Wrong samples all give one answer, so they win the vote where they are more."""
    return Evaluation(
        tuple(
            EvaluatedProblem(
                Problem(f"p{number}", "?", "7"),
                tuple(completion("right" if right else "wrong") for right in row),
                tuple(Score(float(right), right, "7" if right else "8") for right in row),
            )
            for number, row in enumerate(rows)
        )
    )


ASKED = evaluation((True, False, False), (False, True, False), (False, False, False))
STEPS = {"right": (0.9, 0.2, 0.9), "wrong": (0.8, 0.5, 0.4)}


def step_values(_problem, completions):
    return [STEPS[c.text] for c in completions]


def test_verifiers_differ_by_what_they_look_at():
    verifiers = {how: StepVerifier(step_values, how) for how in AGGREGATIONS}
    found = best_of_n(ASKED, verifiers, 3)
    accuracy = {how: found[how]["accuracy"] for how in AGGREGATIONS}
    assert isinstance(accuracy["last"], dict)
    assert accuracy["last"]["value"] == pytest.approx(2 / 3)
    assert accuracy["mean"] == accuracy["last"]
    assert isinstance(accuracy["min"], dict)
    assert accuracy["min"]["value"] == 0.0


def test_lift_is_over_a_single_sample_and_the_other_over_the_vote():
    found = best_of_n(ASKED, {"last": StepVerifier(step_values, "last")}, 3)["last"]
    lift, against = found["lift"], found["against_vote"]
    assert isinstance(lift, dict)
    assert isinstance(against, dict)
    assert lift["difference"] == pytest.approx(2 / 3 - 2 / 9)
    assert against["difference"] == pytest.approx(2 / 3)
    assert lift["n"] == 3
    assert isinstance(lift["low"], float)
    assert isinstance(lift["high"], float)
    assert lift["low"] <= 2 / 3 - 2 / 9 <= lift["high"]


def test_an_outcome_model_is_a_verifier_beside_the_others():
    verifiers = {
        "outcome": lambda _problem, completions: [float(c.text == "right") for c in completions],
        "min": StepVerifier(step_values, "min"),
    }
    found = best_of_n(ASKED, verifiers, 2)
    assert isinstance(found["outcome"]["accuracy"], dict)
    assert found["outcome"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert list(found) == ["outcome", "min"]
