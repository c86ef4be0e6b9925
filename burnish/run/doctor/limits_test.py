from __future__ import annotations

from burnish.run.doctor.check import Verdict
from burnish.run.doctor.limits import check_answers, check_context, check_prompts


def test_prompts_at_the_limit_are_within_it_and_longer_ones_are_counted_by_split():
    lengths = {"train": [3, 5], "dev": [4]}
    assert check_prompts(lengths, limit=5).verdict is Verdict.PASSED
    check = check_prompts(lengths, limit=4)
    assert check.verdict is Verdict.FAILED
    assert check.stops_training
    assert "1 of train have more than 4 tokens, the longest 5" in check.meaning
    assert "lengths.max_prompt_tokens=5" in check.advice


def test_prompt_and_completion_must_fit_the_context():
    assert check_context(60, max_new_tokens=40, context=100).verdict is Verdict.PASSED
    assert check_context(60, max_new_tokens=41, context=100).verdict is Verdict.FAILED
    assert check_context(60, max_new_tokens=41, context=None).verdict is Verdict.SKIPPED


def test_a_tenth_of_the_answers_may_be_longer_than_the_limit():
    assert check_answers([9] + [2] * 9, limit=8).verdict is Verdict.PASSED
    check = check_answers([9, 9] + [2] * 8, limit=8)
    assert check.verdict is Verdict.FAILED
    assert not check.stops_training
    assert check.numbers == {"longest": 9, "limit": 8, "longer": 0.2}
    assert check_answers([], limit=8).verdict is Verdict.SKIPPED
