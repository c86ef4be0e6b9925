from __future__ import annotations

import json
from dataclasses import replace

import pytest

from burnish.errors import DataError
from burnish.training.kept_samples import (
    calculation_of,
    keep_samples,
    read_kept,
    right_samples,
    sample_counts,
)
from burnish.training.samples import GradedSample
from burnish.types import Score, StopReason


def sample(problem_id: str, *token_ids: int, right: bool = True) -> GradedSample:
    score = Score(float(right), right, None)
    return GradedSample(problem_id, (1,), token_ids, "x", score, StopReason.EOS)


DRAWN = [
    sample("a", 5),
    sample("b", 6, 6),
    sample("a", 7, right=False),
    sample("a", 5),
    sample("a", 8),
    sample("a", 9),
    sample("c", 3, right=False),
]


def kept_ids(**settings) -> list[tuple[str, tuple[int, ...]]]:
    kept = right_samples(DRAWN, **({"max_per_problem": 3, "repeats": "kept"} | settings))
    return [(s.problem_id, s.token_ids) for s in kept]


def test_right_samples_are_kept_up_to_the_cap_of_each_problem():
    assert kept_ids() == [("a", (5,)), ("a", (5,)), ("a", (8,)), ("b", (6, 6))]
    assert kept_ids(max_per_problem=1) == [("a", (5,)), ("b", (6, 6))]


def test_repeats_are_left_out_before_the_cap_is_counted():
    found = kept_ids(repeats="left_out")
    assert found == [("a", (5,)), ("a", (8,)), ("a", (9,)), ("b", (6, 6))]


def test_repeats_left_out_are_the_later_ones():
    found = right_samples(DRAWN, max_per_problem=9, repeats="left_out")
    assert found[0] is DRAWN[0]


def test_without_a_cap_all_right_samples_are_kept():
    assert len(right_samples(DRAWN, max_per_problem=None, repeats="kept")) == 5


@pytest.mark.parametrize(
    ("text", "equations"),
    [
        ("3 * 4 = 12. Then 12 + 5 = 17.\nTherefore, the answer is: 17", ("3*4=12", "12+5=17")),
        ("She has 12+5 =17 and (2 + 3) * 4 = 20", ("12+5=17", "(2+3)*4=20")),
        ("$12 - $5.50 = $6.50.", ("$12-$5.50=$6.50",)),
        ("It is 17.", ("It is 17.",)),
        ("x = 3 * 4", ("x = 3 * 4",)),
        ("50% * 1,000 = 500 - 4 = 496", ("50%*1,000=500",)),
    ],
)
def test_equations_tell_derivations_apart(text, equations):
    assert calculation_of(text) == equations


def test_samples_that_calculate_the_same_are_kept_once():
    texts = ["So 3 * 4 = 12", "Well, 3*4 = 12", "4 * 3 = 12", "12", "12", "3 * 4 = 13"]
    drawn = [
        replace(sample("a", number, right=text[-2:] == "12"), text=text)
        for number, text in enumerate(texts)
    ]
    kept = right_samples(drawn, max_per_problem=9, repeats="same_calculation_left_out")
    assert [s.text for s in kept] == ["So 3 * 4 = 12", "4 * 3 = 12", "12"]


def test_same_tokens_of_two_problems_are_no_repeat():
    samples = [sample("a", 5), sample("b", 5)]
    assert right_samples(samples, max_per_problem=9, repeats="left_out") == samples


def test_counts_say_what_was_drawn_and_kept():
    kept = right_samples(DRAWN, max_per_problem=3, repeats="kept")
    assert sample_counts(DRAWN, kept, num_asked=4) == {
        "problems": 4,
        "asked": 3,
        "covered": 2,
        "samples": 7,
        "right": 5,
        "sampled_tokens": 8,
        "kept": 4,
        "kept_distinct": 3,
        "target_tokens": 5,
    }


def test_what_is_kept_is_read_back(tmp_path):
    kept = right_samples(DRAWN, max_per_problem=3, repeats="kept")
    keep_samples(tmp_path, DRAWN, kept, num_asked=4)
    assert read_kept(tmp_path) == kept
    assert json.loads((tmp_path / "counts.json").read_text())["kept"] == 4


def test_nothing_right_stops_the_run_and_leaves_the_counts(tmp_path):
    with pytest.raises(DataError, match=r"of 7 samples none is right \(0 reached"):
        keep_samples(tmp_path, DRAWN, [], num_asked=4)
    assert json.loads((tmp_path / "counts.json").read_text())["samples"] == 7
