"""The three rewards of a number after the trigger."""

import pytest

from burnish.graders.numeric import NumericConfig, NumericGrader
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def completion(text, stop_reason=StopReason.EOS):
    return Completion((), (), (), (), text, stop_reason)


def grade(text, gold: str | None = "203.0", stop_reason=StopReason.EOS, **settings):
    problem = Problem("p", "how many pairs ?", gold)
    (verdict,) = NumericConfig(**settings).build().grade([(problem, completion(text, stop_reason))])
    return verdict


def score(text, gold="203.0", stop_reason=StopReason.EOS, **settings) -> Score:
    verdict = grade(text, gold, stop_reason, **settings)
    assert isinstance(verdict, Score)
    return verdict


def test_the_right_number_earns_one():
    verdict = score("29 * 7 = 203\nTherefore, the answer is: 203")
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (1.0, True, "203")


def test_another_number_earns_the_partial_reward():
    verdict = score("Therefore, the answer is: 204")
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (0.1, False, "204")
    assert score("Therefore, the answer is: 204", partial_reward=0.25).reward == 0.25
    assert score("Therefore, the answer is: 204", partial_reward=0.0).reward == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "203",
        "The answer is 203",
        "Therefore, the answer is: ",
        "Therefore, the answer is: none",
        "Therefore, the answer is: 203 or 204",
        "Therefore, the answer is: 1 2 3 203",
    ],
)
def test_no_answer_earns_nothing_not_even_the_partial_reward(text):
    verdict = score(text)
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (0.0, False, None)
    assert verdict.parts == {"extracted": 0.0}


def test_the_last_trigger_and_the_first_line_after_it_count():
    text = "Therefore, the answer is: 7\nNo.\nTherefore, the answer is:\n\n 203 \nQuestion 5: 6?"
    assert score(text).answer == "203"
    assert score("Therefore, the answer is: 203\nTherefore, the answer is: none").answer is None


def test_the_tolerance_is_absolute_and_inclusive():
    assert score("Therefore, the answer is: 0.5", gold="0.25", tolerance=0.25).is_correct
    assert not score("Therefore, the answer is: 0.5", gold="0.25", tolerance=0.24).is_correct
    assert score("Therefore, the answer is: 3.14", gold="3.1416").is_correct
    assert not score("Therefore, the answer is: 3.12", gold="3.1416").is_correct


def test_the_trigger_is_a_setting():
    assert score("#### 203", trigger="####").is_correct


def test_a_truncated_completion_counts_unless_it_is_required_to_be_finished():
    text = "Therefore, the answer is: 203"
    assert score(text, stop_reason=StopReason.LENGTH).reward == 1.0
    strict = score(text, stop_reason=StopReason.LENGTH, require_finished=True)
    assert (strict.reward, strict.answer) == (0.0, None)
    assert score(text, stop_reason=StopReason.STOP_STRING, require_finished=True).reward == 1.0


@pytest.mark.parametrize("gold", [None, "many", "3 or 4"])
def test_a_gold_answer_that_is_no_number_is_a_failure_and_no_reward(gold):
    verdict = grade("Therefore, the answer is: 3", gold=gold)
    assert isinstance(verdict, GraderFailure)
    assert verdict.kind == "gold_answer"
    assert "'p'" in verdict.message


def test_every_pair_has_a_verdict_in_order():
    problems = [Problem(str(i), "", str(i)) for i in range(3)]
    answers = [completion(f"Therefore, the answer is: {i}") for i in (0, 7, 2)]
    verdicts = NumericGrader(NumericConfig()).grade(list(zip(problems, answers, strict=True)))
    assert [isinstance(verdict, Score) and verdict.reward for verdict in verdicts] == [1, 0.1, 1]
