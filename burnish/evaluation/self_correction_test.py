from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.errors import DataError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.self_correction import (
    Attempt,
    Transition,
    collapse_report,
    edit_ratio,
    is_changed,
    self_correction_means,
    self_correction_metrics,
)
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def completion(text: str) -> Completion:
    return Completion((1,), (2,), (-1.0,), (-1.0,), text, StopReason.EOS)


def verdict(answer: str) -> Score | GraderFailure:
    if answer == "!":
        return GraderFailure("exception", "boom")
    return Score(float(answer == "7"), answer == "7", None if answer == "-" else answer)


def turns(*rows: str) -> list[Evaluation]:
    """Each row is a problem: the answers of its samples in the first turn, / the second, ...

    7 is right, - no answer, ! a failure of the grader.
    """
    parts = [row.split("/") for row in rows]
    return [
        Evaluation(
            tuple(
                EvaluatedProblem(
                    Problem(f"p{i}", "?", "7"),
                    tuple(completion(f"so {answer}") for answer in problem[turn]),
                    tuple(verdict(answer) for answer in problem[turn]),
                )
                for i, problem in enumerate(parts)
            )
        )
        for turn in range(len(parts[0]))
    ]


def metrics(*rows: str) -> Any:
    return self_correction_metrics(turns(*rows))


def value(metric: Any) -> float:
    return metric["value"]


GREEDY = ("7/7", "3/7", "5/7", "1/7", "7/2", "1/1", "1/2", "-/-", "7/7", "7/7")
"""3 kept, 3 fixed, 1 broken, 3 missed."""


def test_metrics_by_hand():
    found = metrics(*GREEDY)
    transition = found["t1-t2"]
    assert value(found["accuracy_t1"]) == pytest.approx(0.4)
    assert value(found["accuracy_t2"]) == pytest.approx(0.6)
    assert value(transition["delta"]) == pytest.approx(0.2)
    assert value(transition["fixed"]) == pytest.approx(0.3)
    assert value(transition["broken"]) == pytest.approx(0.1)
    assert value(transition["fixed_of_wrong"]) == pytest.approx(3 / 6)
    assert value(transition["broken_of_right"]) == pytest.approx(1 / 4)
    assert value(transition["answer_change"]) == pytest.approx(0.5)
    assert value(transition["edit_ratio"]) == pytest.approx(5 / 8 / 10)
    assert transition["counts"] == {"kept": 3, "fixed": 3, "broken": 1, "missed": 3}


def test_every_metric_has_an_interval_around_it():
    found = metrics(*GREEDY)
    intervals = [found["accuracy_t1"], found["accuracy_t2"]]
    intervals += [v for name, v in found["t1-t2"].items() if name != "counts"]
    assert len(intervals) == 9
    assert all(i["low"] < i["value"] < i["high"] for i in intervals)


def test_interval_of_delta_is_of_pairs():
    """Problem by problem the gain is the same, so however they are drawn the gain is the same."""
    found = metrics(*["37/77"] * 8)["t1-t2"]["delta"]
    assert (found["low"], found["high"]) == (0.5, 0.5)


row = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        st.text("7312-!", min_size=n, max_size=n), st.text("7312-!", min_size=n, max_size=n)
    )
)


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=8))
def test_second_accuracy_is_the_first_plus_fixed_less_broken_exactly(rows):
    """As fractions; a grader failure in either turn takes the sample out of both."""
    whole = [
        [(a, b) for a, b in zip(first, second, strict=True) if "!" not in (a, b)]
        for first, second in rows
    ]
    if not any(whole):
        return
    counts = metrics(*(f"{a}/{b}" for a, b in rows))["t1-t2"]["counts"]
    n = sum(counts.values())
    assert n == sum(map(len, whole))
    first = Fraction(sum(a == "7" for pairs in whole for a, _ in pairs), n)
    second = Fraction(sum(b == "7" for pairs in whole for _, b in pairs), n)
    assert second == first + Fraction(counts["fixed"], n) - Fraction(counts["broken"], n)


def test_sample_that_one_turn_could_not_grade_leaves_both():
    found = metrics("7/!", "!/7", "3/7")
    assert value(found["accuracy_t1"]) == 0.0
    assert value(found["accuracy_t2"]) == 1.0
    assert found["accuracy_t1"]["n"] == 1


def test_problems_weigh_the_same_however_many_samples_they_have():
    found = metrics("7777/7777", "3!!!/3777")
    assert value(found["accuracy_t2"]) == pytest.approx(0.5)


def test_three_turns_are_two_transitions():
    found = metrics("3/7/7", "3/3/7", "7/7/3", "7/7/7")
    assert value(found["accuracy_t3"]) == pytest.approx(0.75)
    assert value(found["t1-t2"]["fixed"]) == pytest.approx(0.25)
    assert value(found["t2-t3"]["fixed"]) == pytest.approx(0.25)
    assert value(found["t2-t3"]["broken"]) == pytest.approx(0.25)


def test_means_are_the_values_of_the_metrics():
    rows = ("33/77", "7!/77", "37/31", "12/13", "3-/--")
    means, found = self_correction_means(turns(*rows)), metrics(*rows)
    assert means.pop("accuracy_t1") == pytest.approx(value(found["accuracy_t1"]))
    assert means.pop("accuracy_t2") == pytest.approx(value(found["accuracy_t2"]))
    names = ("delta", "fixed", "broken", "answer_change", "edit_ratio")
    expected = {f"{name}_t1-t2": pytest.approx(value(found["t1-t2"][name])) for name in names}
    assert means == expected


def test_rate_of_nothing_is_none():
    found = metrics("7/7", "7/3")["t1-t2"]
    assert found["fixed_of_wrong"] is None
    assert value(found["broken_of_right"]) == pytest.approx(0.5)


def test_edit_ratio_is_distance_by_both_lengths():
    assert edit_ratio("abcd", "abXd") == pytest.approx(1 / 8)
    assert edit_ratio("abc", "") == 1.0
    assert edit_ratio("same", "same") == edit_ratio("", "") == 0.0


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (("a", "1"), ("b", "1"), False),
        (("a", "1"), ("a", "2"), True),
        (("a", None), ("a", "1"), True),
        (("a", "1"), ("a", None), True),
        (("a", None), ("b", None), True),
        (("a", None), (" a\n", None), False),
    ],
)
def test_change_is_of_the_answer_and_without_one_of_the_text(before, after, changed):
    first, second = (Attempt(text, answer, False) for text, answer in (before, after))
    assert is_changed(first, second) is changed


BASE = ("7/7", "7/3", "7/7", "7/3", "3/3", "3/7", "3/3", "3/3")


def test_copying_the_first_attempt_is_reported():
    report = collapse_report(turns(*["7/7"] * 4, *["3/3"] * 4), turns(*BASE))
    assert (report.no_edit, report.sabotage) == (True, False)
    assert "repeat" in report.sentences()[0]


def test_copying_is_no_collapse_where_all_first_attempts_are_right():
    assert not collapse_report(turns(*["7/7"] * 8), turns(*BASE)).no_edit


def test_failing_first_to_gain_later_is_reported():
    report = collapse_report(turns(*["3/7"] * 13, *["3/3"] * 2, "7/7"), turns(*BASE, *BASE))
    assert (report.no_edit, report.sabotage) == (False, True)
    assert "failing first" in report.sentences()[0]


def test_what_helps_follows_what_was_seen():
    report = collapse_report(turns(*["3/3"] * 50), turns(*["3/3"] * 50))
    (sentence,) = report.sentences({"no_edit": "Ask again.", "sabotage": "Fail less."})
    assert sentence.endswith("so nothing is corrected. Ask again.")


def test_worse_first_attempts_without_a_gain_are_not_sabotage():
    assert not collapse_report(turns(*["3/1"] * 8), turns(*["7/7"] * 8)).sabotage


def test_losing_on_the_first_attempt_what_the_second_lost_before_is_not_sabotage():
    """Delta rises from -1 to 0, and nothing was fixed."""
    assert not collapse_report(turns(*["3/1"] * 8), turns(*["7/1"] * 8)).sabotage


def test_gain_with_first_attempts_as_good_as_before_is_not_sabotage():
    rows = ("7/7", "7/7", "7/7", "7/7", "3/7", "3/7", "3/7", "3/1")
    report = collapse_report(turns(*rows), turns(*BASE))
    assert report.sentences() == []


@pytest.mark.parametrize(("num", "is_conclusive"), [(49, False), (50, True)])
def test_alarm_on_few_problems_says_so(num, is_conclusive):
    report = collapse_report(turns(*["3/3"] * num), turns(*["3/3"] * num))
    (sentence,) = report.sentences()
    assert report.is_conclusive is is_conclusive
    assert (f"{num} problems only" in sentence) is not is_conclusive


def test_one_turn_or_other_problems_are_an_error():
    with pytest.raises(DataError, match="two turns"):
        self_correction_metrics(turns("7/7")[:1])
    first, (_, second) = turns("7/7"), turns("7/7", "7/7")
    with pytest.raises(DataError, match="same problems"):
        self_correction_metrics([first[0], second])


def test_nothing_graded_in_all_turns_is_an_error():
    with pytest.raises(DataError, match="graded in all"):
        metrics("!/7")


def test_counts_of_a_transition_add_up():
    found = Transition(kept=3, fixed=2, broken=1, missed=4, changed=5, edit_ratio=0.1)
    assert (found.num, found.right_before, found.right_after) == (10, 4, 5)
