from __future__ import annotations

import json

import pytest

from burnish.errors import DataError
from burnish.training.attempt_data import SampledChain
from burnish.training.revisions import (
    keep_revisions,
    kept_revisions,
    read_counts,
    read_revisions,
)
from burnish.types import Score, StopReason, Turn


def turn(start: int, stop: int, text: str, is_correct: bool) -> Turn:
    return Turn(start, stop, text, Score(float(is_correct), is_correct, text), StopReason.EOS)


def chain(problem_id: str, *, first: bool, second: bool, start: int = 10) -> SampledChain:
    """Prompt of 2 tokens, an attempt of 3, an instruction of 1, an attempt of 2."""
    turns = (turn(2, 5, "a", first), turn(6, 8, "b" if first != second else "a", second))
    return SampledChain(problem_id, turns, tuple(range(start, start + 8)))


FIXED = chain("fixed", first=False, second=True)
KEPT = chain("kept", first=True, second=True, start=30)
BROKEN = chain("broken", first=True, second=False)
MISSED = chain("missed", first=False, second=False)
CHAINS = [BROKEN, KEPT, MISSED, FIXED, KEPT]


def test_d_has_what_was_wrong_and_then_right():
    (found,) = kept_revisions(CHAINS, "improved")
    assert (found.problem_id, found.kind) == ("fixed", "wrong_to_right")
    assert (found.first, found.second) == ("a", "b")
    assert found.context_ids == (10, 11, 12, 13, 14, 15)
    assert found.target_ids == (16, 17)


def test_d_plus_also_has_what_was_right_twice_as_often_as_it_was_sampled():
    found = kept_revisions(CHAINS, "improved_and_right")
    assert [(r.problem_id, r.kind) for r in found] == [
        ("kept", "right_to_right"),
        ("fixed", "wrong_to_right"),
        ("kept", "right_to_right"),
    ]


def test_only_the_second_attempt_is_learnt():
    (found,) = kept_revisions([KEPT], "improved_and_right")
    example = found.example()
    assert example.token_ids == KEPT.token_ids
    learnt = [i for i, flag in zip(example.token_ids, example.is_action, strict=True) if flag]
    assert learnt == [36, 37]


def test_kept_revisions_and_counts_stay_in_the_folder(tmp_path):
    revisions = kept_revisions(CHAINS, "improved_and_right")
    keep_revisions(tmp_path, CHAINS, revisions)
    assert read_revisions(tmp_path) == revisions
    rows = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    assert rows[1]["kind"] == "wrong_to_right"
    assert read_counts(tmp_path) == {
        "chains": 5,
        "chains_right_then_right": 2,
        "chains_right_then_wrong": 1,
        "chains_wrong_then_right": 1,
        "chains_wrong_then_wrong": 1,
        "sampled_tokens": 5 * (3 + 2),
        "kept": 3,
        "kept_wrong_to_right": 1,
        "kept_right_to_right": 2,
        "kept_copies": 2,
        "kept_problems": 2,
        "context_tokens": 18,
        "target_tokens": 6,
    }


def test_folder_that_has_sampled_nothing_has_no_counts(tmp_path):
    assert read_counts(tmp_path) is None


def test_nothing_to_imitate_is_an_error_that_says_what_was_sampled(tmp_path):
    chains = [BROKEN, MISSED, BROKEN]
    with pytest.raises(DataError, match=r"of 3 samples none .* imitate") as raised:
        keep_revisions(tmp_path, chains, kept_revisions(chains, "improved"))
    text = str(raised.value)
    assert "right then wrong 2" in text
    assert "wrong then wrong 1" in text
    assert "sample.num_problems" in text
    counts = read_counts(tmp_path)
    assert counts is not None
    assert counts["kept"] == 0
