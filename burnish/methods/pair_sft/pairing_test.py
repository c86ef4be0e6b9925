from __future__ import annotations

from collections import Counter

from burnish.methods.pair_sft.pairing import paired_revisions
from burnish.training.attempt_data import SampledChain
from burnish.training.revisions import Kept
from burnish.types import Score, StopReason, Turn


def sample(problem_id: str, name: int, *, is_correct: bool) -> SampledChain:
    """A prompt of two tokens and one attempt, whose tokens are its name twice."""
    score = Score(float(is_correct), is_correct, str(name))
    turn = Turn(2, 4, f"attempt {name}", score, StopReason.EOS)
    return SampledChain(problem_id, (turn,), (1, 2, name, name))


def samples(problem_id: str, *, right: range, wrong: range) -> list[SampledChain]:
    return [sample(problem_id, n, is_correct=False) for n in wrong] + [
        sample(problem_id, n, is_correct=True) for n in right
    ]


def pairs(rows: list[SampledChain], keep: Kept, *, seed: int = 0) -> list[tuple[int, int]]:
    """Names of both attempts of each revision."""
    found = paired_revisions(rows, keep, between=lambda _: (9,), seed=seed)
    return [(r.context_ids[2], r.target_ids[0]) for r in found]


def test_every_wrong_sample_is_repaired_once_by_a_right_one_of_its_problem():
    rows = samples("p", right=range(10, 13), wrong=range(20, 25))
    rows += samples("q", right=range(30, 31), wrong=range(40, 42))
    found = pairs(rows, "improved")
    assert sorted(first for first, _ in found) == [20, 21, 22, 23, 24, 40, 41]
    assert {second for first, second in found if first < 30} == {10, 11, 12}
    assert {second for first, second in found if first >= 40} == {30}


def test_right_samples_take_turns():
    rows = samples("p", right=range(10, 13), wrong=range(20, 27))
    counts = Counter(second for _, second in pairs(rows, "improved"))
    assert sorted(counts.values()) == [2, 2, 3]


def test_problem_with_samples_of_one_kind_only_has_no_repair():
    rows = samples("p", right=range(10, 13), wrong=range(0))
    rows += samples("q", right=range(0), wrong=range(20, 23))
    assert pairs(rows, "improved") == []


def test_d_plus_adds_every_right_sample_before_another_right_one():
    rows = samples("p", right=range(10, 13), wrong=range(20, 22))
    added = set(pairs(rows, "improved_and_right")) - set(pairs(rows, "improved"))
    assert sorted(first for first, _ in added) == [10, 11, 12]
    assert sorted(second for _, second in added) == [10, 11, 12]
    assert all(first != second for first, second in added)


def test_only_right_sample_of_a_problem_is_not_put_after_itself():
    rows = samples("p", right=range(10, 11), wrong=range(20, 21))
    assert pairs(rows, "improved_and_right") == [(20, 10)]


def test_samples_of_a_problem_that_was_asked_twice_stand_together():
    rows = samples("p", right=range(0), wrong=range(20, 21))
    rows += samples("q", right=range(0), wrong=range(0))
    rows += samples("p", right=range(10, 11), wrong=range(0))
    assert pairs(rows, "improved") == [(20, 10)]


def test_pairs_are_drawn_by_the_seed():
    rows = samples("p", right=range(10, 16), wrong=range(20, 30))
    assert pairs(rows, "improved", seed=1) == pairs(rows, "improved", seed=1)
    assert pairs(rows, "improved", seed=1) != pairs(rows, "improved", seed=2)


def test_repair_is_prompt_wrong_attempt_instruction_and_right_attempt():
    rows = samples("p", right=range(10, 11), wrong=range(20, 21))
    (found,) = paired_revisions(rows, "improved", between=lambda s: (9, s.token_ids[2]), seed=0)
    assert (found.problem_id, found.kind) == ("p", "wrong_to_right")
    assert (found.first, found.second) == ("attempt 20", "attempt 10")
    assert found.context_ids == (1, 2, 20, 20, 9, 20)
    assert found.target_ids == (10, 10)


def test_kind_of_a_pair_is_that_of_its_first_attempt():
    rows = samples("p", right=range(10, 12), wrong=range(20, 21))
    found = paired_revisions(rows, "improved_and_right", between=lambda _: (), seed=0)
    assert {(r.context_ids[2] >= 20, r.kind) for r in found} == {
        (True, "wrong_to_right"),
        (False, "right_to_right"),
    }
