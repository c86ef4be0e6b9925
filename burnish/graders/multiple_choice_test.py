"""Only a letter of an option is an answer."""

import pytest

from burnish.graders.multiple_choice import MultipleChoiceConfig, option_in
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def grade(text, gold="c", stop_reason=StopReason.EOS, **settings):
    problem = Problem(
        "p", "how many ?\na ) 38 , b ) 27 , c ) 30 , d ) 31 , e ) none of these", gold
    )
    completion = Completion((), (), (), (), text, stop_reason)
    (verdict,) = MultipleChoiceConfig(**settings).build().grade([(problem, completion)])
    return verdict


def score(text, gold="c", stop_reason=StopReason.EOS, **settings) -> Score:
    verdict = grade(text, gold, stop_reason, **settings)
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize(
    "text",
    [
        *("c", "C", "(C)", "(c", "c)", "C.", "c .", "[c]", "**c**", "'c'", "$c$"),
        *("C ) 30", "c) 30", "c: thirty", "C. none of these", "C ) 3 a day"),
        *("\\boxed{c}", "\\text{c}"),
    ],
)
def test_one_option_is_read_however_it_is_written(text):
    assert option_in(text, "abcde") == "c"


@pytest.mark.parametrize(
    "text",
    [
        *("", "none", "f", "30", "cat", "a dog", "c'est", "c-5", "the c"),
        *("a or c", "a, c", "a/c", "(a) and (c)", "a b c d e", "abcde"),
        *("a ) 38 , c ) 30", "c ) 30 , d", "c) 30 or d) 31"),
    ],
)
def test_no_option_or_several_are_nothing(text):
    assert option_in(text, "abcde") is None


def test_rewards_are_one_for_the_right_option_and_partial_for_another():
    right = score("Therefore, the answer is: C ) 30")
    assert (right.reward, right.is_correct, right.answer) == (1.0, True, "c")
    wrong = score("Therefore, the answer is: a")
    assert (wrong.reward, wrong.is_correct, wrong.answer) == (0.1, False, "a")


@pytest.mark.parametrize("text", ["c", "", "Therefore, the answer is: none", "Therefore, c"])
def test_no_option_earns_nothing_not_even_the_partial_reward(text):
    verdict = score(text)
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (0.0, False, None)


def test_the_gold_letter_may_be_written_in_any_way():
    assert score("Therefore, the answer is: c", gold="(C)").is_correct


def test_a_gold_answer_that_is_no_option_is_a_failure():
    verdict = grade("Therefore, the answer is: c", gold="f")
    assert isinstance(verdict, GraderFailure)
    assert verdict.kind == "gold_answer"
    assert score("Therefore, the answer is: f", gold="f", options="abcdef").is_correct


def test_a_truncated_letter_counts_unless_it_is_required_to_be_finished():
    text = "Therefore, the answer is: c"
    assert score(text, stop_reason=StopReason.LENGTH).is_correct
    assert score(text, stop_reason=StopReason.LENGTH, require_finished=True).answer is None
