from __future__ import annotations

import json

import pytest

from burnish.errors import DataError
from burnish.methods.rest_em.keeping import (
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
