from __future__ import annotations

import pytest

from burnish.evaluation.voting import (
    expected_vote_at_k,
    first_vote_at_k,
    majority_answer,
    majority_vote,
)
from burnish.types import Score


def verdicts(answers, gold="7"):
    return [Score(float(a == gold), a == gold, a) for a in answers]


def test_most_common_answer_wins():
    assert majority_answer(["3", "7", "7", "4"]) == "7"


def test_samples_without_an_answer_do_not_vote():
    assert majority_answer([None, None, None, "7"]) == "7"
    assert majority_answer([None, None]) is None


def test_a_tie_goes_to_the_answer_seen_first():
    assert majority_answer(["4", "7", "7", "4"]) == "4"


def test_vote_returns_a_score_of_the_winner():
    vote = majority_vote(verdicts(["3", "7", "7"]))
    assert vote is not None
    assert vote.is_correct
    assert majority_vote(verdicts([None])) is None


def test_first_vote_reads_only_the_first_k():
    scores = verdicts(["3", "7", "7"])
    assert [first_vote_at_k(scores, k) for k in (1, 2, 3)] == [0.0, 0.0, 1.0]


def test_expected_vote_by_hand():
    # pairs of (3, 7, 7) in order: (3,7) tie, first seen is 3, wrong; (3,7) the same; (7,7) right
    assert expected_vote_at_k(verdicts(["3", "7", "7"]), 2, seed=0) == pytest.approx(1 / 3)


def test_expected_vote_of_one_is_the_share_of_right_samples():
    scores = verdicts(["7", None, "3", "7", "4"])
    assert expected_vote_at_k(scores, 1, seed=0) == pytest.approx(2 / 5)


def test_expected_vote_of_all_is_the_vote():
    for answers in (["4", "7", "7", "4"], ["7", "4", "7", "4"], [None, "7"], [None, None]):
        scores = verdicts(answers)
        assert expected_vote_at_k(scores, len(scores), seed=0) == first_vote_at_k(
            scores, len(scores)
        )


def test_random_subsets_approach_the_exact_mean():
    scores = verdicts(["7", "3", "7", "4", None, "3", "7", "5", "3", "7"])
    exact = expected_vote_at_k(scores, 5, seed=0, max_subsets=252)
    rough = expected_vote_at_k(scores, 5, seed=1, max_subsets=251)
    assert rough == pytest.approx(exact, abs=0.1)
    assert rough == expected_vote_at_k(scores, 5, seed=1, max_subsets=251)


def test_samples_keep_their_order_within_random_subsets():
    # of 435 pairs, 105 hold two wrong answers; in all others a 7 comes first or twice
    scores = verdicts(["7"] * 15 + [str(i) for i in range(20, 35)])
    found = expected_vote_at_k(scores, 2, seed=0, max_subsets=400)
    assert found == pytest.approx(330 / 435, abs=0.08)


def test_exact_subsets_agree_with_voting_one_by_one():
    import itertools

    scores = verdicts(["3", "7", None, "7", "3", "4", "7"])
    for k in range(1, 8):
        votes = [first_vote_at_k(list(s), k) for s in itertools.combinations(scores, k)]
        assert expected_vote_at_k(scores, k, seed=0) == pytest.approx(sum(votes) / len(votes))


def test_more_votes_than_samples_raise():
    with pytest.raises(ValueError, match="vote@4"):
        expected_vote_at_k(verdicts(["7", "7", "7"]), 4, seed=0)
