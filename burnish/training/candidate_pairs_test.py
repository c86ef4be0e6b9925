from __future__ import annotations

import json

import pytest

from burnish.errors import DataError
from burnish.training.candidate_pairs import (
    BestAndWorst,
    Candidate,
    Judgement,
    best_and_worst,
    pair_up,
)
from burnish.training.preference_pairs import TokenPair, read_pairs
from burnish.training.samples import GradedSample
from burnish.types import Score, StopReason


def candidate(
    score: float | None,
    *token_ids: int,
    problem_id: str = "p",
    right: bool = False,
    tokens: int = 0,
) -> Candidate:
    verdict = Score(float(right), right, None)
    sample = GradedSample(problem_id, (1, 2), token_ids, "x", verdict, StopReason.EOS)
    return Candidate(sample, Judgement(score, tokens))


def test_best_is_paired_with_worst_as_they_were_sampled():
    found = best_and_worst(
        [candidate(2.0, 5), candidate(0.5, 6, 6), candidate(None, 7), candidate(3.5, 8, 8, 8)]
    )
    assert isinstance(found, BestAndWorst)
    assert found.tokens() == TokenPair("p", (1, 2), (8, 8, 8), (6, 6))


def test_of_equally_good_or_bad_candidates_the_first_is_taken():
    found = best_and_worst([candidate(s, t) for s, t in ((1, 5), (0, 6), (1, 7), (0, 8))])
    assert isinstance(found, BestAndWorst)
    assert (found.best.token_ids, found.worst.token_ids) == ((5,), (6,))


@pytest.mark.parametrize(
    ("group", "course"),
    [
        ([candidate(2.0, 5), candidate(2.0, 6)], "tied"),
        ([candidate(2.0, 5), candidate(None, 6)], "too_few"),
        ([], "too_few"),
        ([candidate(2.0, 5), candidate(1.0, 5)], "same_answer"),
    ],
)
def test_problem_without_a_pair_says_why(group, course):
    assert best_and_worst(group) == course


GROUPS = [
    [candidate(1.0, 5, problem_id="a", right=True, tokens=3), candidate(0.0, 6, 6, problem_id="a")],
    [candidate(0.0, 7, problem_id="b", right=True), candidate(2.0, 8, 8, 8, problem_id="b")],
    [candidate(1.0, 7, problem_id="c"), candidate(1.0, 8, problem_id="c", tokens=4)],
    [candidate(None, 9, problem_id="d"), candidate(None, 9, problem_id="d")],
]


def test_pairs_and_counts_are_left_in_the_folder(tmp_path):
    pair_up(tmp_path, GROUPS, num_asked=6)
    pairs = read_pairs(tmp_path / "pairs.jsonl")
    assert [(p.problem_id, p.chosen_ids, p.rejected_ids) for p in pairs] == [
        ("a", (5,), (6, 6)),
        ("b", (8, 8, 8), (7,)),
    ]
    assert json.loads((tmp_path / "counts.json").read_text()) == {
        "problems": 6,
        "asked": 4,
        "samples": 8,
        "sampled_tokens": 11,
        "judge_tokens": 7,
        "unreadable": 2,
        "tied": 1,
        "same_answer": 0,
        "too_few": 1,
        "pairs": 2,
        "right_over_wrong": 1,
        "wrong_over_right": 1,
        "chosen_tokens": 4,
        "rejected_tokens": 3,
    }


def test_no_pair_at_all_stops_the_run_and_says_why(tmp_path):
    message = r"of 2 problems none .*tied: 1, fewer than two judged: 1.*2 candidates got no score"
    with pytest.raises(DataError, match=message):
        pair_up(tmp_path, GROUPS[2:], num_asked=6)
