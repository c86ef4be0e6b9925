from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from burnish.errors import DataError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.metrics import (
    accuracy_of,
    compare,
    greedy_metrics,
    mean_interval,
    pass_of,
    reranked_metrics,
    sampled_metrics,
    vote_of,
)
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def completion(text, length):
    stop = StopReason.LENGTH if length == 9 else StopReason.EOS
    return Completion((1,), (2,) * length, (-1.0,) * length, (-1.0,) * length, text, stop)


def verdict(answer):
    if answer == "!":
        return GraderFailure("exception", "boom")
    return Score(float(answer == "7"), answer == "7", None if answer == "-" else answer)


def evaluation(*rows, lengths=(4, 9)):
    """Each row is a string of one-letter answers; 7 is right, - is none, ! a grader failure."""
    return Evaluation(
        tuple(
            EvaluatedProblem(
                Problem(f"p{i}", "?", "7"),
                tuple(completion(a, lengths[j % 2]) for j, a in enumerate(answers)),
                tuple(verdict(a) for a in answers),
            )
            for i, answers in enumerate(rows)
        )
    )


def value(metric):
    return metric["value"]


def test_greedy_metrics_by_hand():
    found: Any = greedy_metrics(evaluation("7", "3", "-", "7", "!", lengths=(4,) * 2))
    assert value(found["greedy"]) == pytest.approx(2 / 4)
    assert found["greedy"]["n"] == 4
    assert 0 <= found["greedy"]["low"] < 0.5 < found["greedy"]["high"] <= 1
    assert found["grader_failures"] == {"exception": 1}
    assert value(found["length"]) == 4


def test_sampled_metrics_by_hand():
    found: Any = sampled_metrics(evaluation("77", "37", "--"), ks=(1, 2))
    assert value(found["accuracy"]) == pytest.approx((1 + 0.5 + 0) / 3)
    assert value(found["pass@1"]) == value(found["vote@1"]) == value(found["accuracy"])
    assert value(found["pass@2"]) == pytest.approx(2 / 3)
    assert value(found["vote@2"]) == pytest.approx(1 / 3)
    assert value(found["truncated"]) == pytest.approx(0.5)
    assert value(found["length"]) == pytest.approx(6.5)


def test_a_problem_with_too_few_graded_samples_leaves_the_metric():
    rows = evaluation("77", "7!")
    assert mean_interval(rows, partial(pass_of, k=2)).n == 1
    assert mean_interval(rows, accuracy_of).n == 2
    with pytest.raises(DataError, match="at most 2"):
        mean_interval(rows, partial(vote_of, k=3))


def test_reranking_asks_the_verifier_about_the_first_k_graded_samples_only():
    seen = []

    def verifier(problem, samples):
        seen.append((problem.id, "".join(s.text for s in samples)))
        return [int(s.text == "7") for s in samples]

    found: Any = reranked_metrics(evaluation("!373", "7-3", "!!3"), verifier, (2,))
    assert seen == [("p0", "37"), ("p1", "7-")]
    assert (found["rerank@2"]["value"], found["rerank@2"]["n"]) == (1.0, 2)


def test_compare_of_verdicts_is_mcnemar():
    ours, theirs = evaluation(*"777777773"), evaluation(*"333333377")
    found: Any = compare(ours, theirs)
    assert found["difference"] == pytest.approx((7 - 1) / 9)
    assert found["p"] == pytest.approx(18 / 256)
    assert (found["test"], found["n"]) == ("mcnemar", 9)
    assert found["low"] < found["difference"] < found["high"]
    assert compare(theirs, ours)["difference"] == pytest.approx(-6 / 9)


def test_compare_of_fractions_is_a_permutation_test():
    found: Any = compare(evaluation("77", "37", "37"), evaluation("33", "33", "33"))
    assert found["difference"] == pytest.approx(2 / 3)
    assert (found["test"], found["p"]) == ("permutation", pytest.approx(2 / 8))


def test_compare_matches_problems_by_id_whatever_their_order():
    ours, theirs = evaluation(*"77337"), evaluation(*"73377")
    turned = Evaluation(theirs.rows[::-1])
    assert compare(ours, turned)["p"] == compare(ours, theirs)["p"] == 1.0


def test_compare_leaves_out_what_one_side_could_not_grade():
    assert compare(evaluation("7", "7", "3"), evaluation("3", "!", "3"))["n"] == 2


def test_compare_of_different_problems_raises():
    with pytest.raises(DataError, match="'p1'"):
        compare(evaluation("7", "7"), evaluation("7"))
