from __future__ import annotations

from dataclasses import replace

from tokenizers import normalizers

from burnish.models.tiny import byte_level_tokenizer
from burnish.run.doctor.check import Verdict
from burnish.run.doctor.template import check_round_trip, check_template, shown
from burnish.types import Example, Problem

TOKENIZER = byte_level_tokenizer()
PROBLEMS = [
    Problem("a", "How many?", "1", rationale=" One."),
    Problem("b", "Which?", "2", rationale=" Two."),
]


class Written:
    """Question, then rationale."""

    def prompt_ids(self, problem: Problem) -> tuple[int, ...]:
        return tuple(TOKENIZER.encode(problem.question))

    def example(self, problem: Problem) -> Example:
        prompt, target = self.prompt_ids(problem), tuple(TOKENIZER.encode(problem.rationale or ""))
        is_action = (False,) * len(prompt) + (True,) * len(target)
        return Example(problem.id, prompt + target, is_action)


class LearnsPrompts(Written):
    def example(self, problem: Problem) -> Example:
        example = super().example(problem)
        return replace(example, is_action=(True,) * len(example.is_action))


class ForgetsTheEnd(Written):
    def example(self, problem: Problem) -> Example:
        example = super().example(problem)
        return replace(example, is_action=(*example.is_action[:-1], False))


class AsksLouder(Written):
    def example(self, problem: Problem) -> Example:
        return super().example(replace(problem, question=problem.question.upper()))


def test_one_template_with_the_right_mask_is_healthy():
    assert check_template(Written(), PROBLEMS, TOKENIZER).verdict is Verdict.PASSED
    assert check_template(Written(), [], TOKENIZER).verdict is Verdict.SKIPPED


def test_prompts_and_ends_of_the_mask_are_looked_at():
    prompts = check_template(LearnsPrompts(), PROBLEMS, TOKENIZER)
    assert "tokens of its prompt are marked as to be learnt" in prompts.meaning
    ends = check_template(ForgetsTheEnd(), PROBLEMS, TOKENIZER)
    assert "some tokens of its answer are not marked" in ends.meaning
    assert ends.verdict is prompts.verdict is Verdict.FAILED


def test_both_texts_are_shown_where_prompts_differ():
    check = check_template(AsksLouder(), PROBLEMS, TOKENIZER)
    assert check.verdict is Verdict.FAILED
    assert check.stops_training
    assert "How" in check.meaning
    assert "HOW" in check.meaning


def test_texts_that_a_tokenizer_changes_are_shown():
    assert check_round_trip(TOKENIZER, ["caf\u00e9 \n", " b"]).verdict is Verdict.PASSED
    assert check_round_trip(TOKENIZER, []).verdict is Verdict.SKIPPED
    lower_case = byte_level_tokenizer()
    lower_case.backend_tokenizer.normalizer = normalizers.Lowercase()
    check = check_round_trip(lower_case, ["as it was", "It Changes"])
    assert check.verdict is Verdict.FAILED
    assert check.numbers == {"changed": 1}
    assert "'It Changes' comes back as 'it changes'" in check.meaning


def test_an_example_is_shown_in_runs():
    example = Written().example(PROBLEMS[0])
    assert shown(example, TOKENIZER).runs == (("How many?", False), (" One.", True))
