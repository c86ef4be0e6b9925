"""What every grader of final answers shares: finding the answer's text, and the three rewards."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from burnish.config import Config
from burnish.errors import DataError
from burnish.types import Completion, Problem, Score

TRIGGER = "Therefore, the answer is: "
"""The sentence that opens the answer in ReFT's natural-language rationales."""


class AnswerConfig(Config):
    """What the graders of final answers have in common.

    A completion that the token limit cut off is graded like any other, as in ReFT: what stands
    after the trigger counts, and a program cut off before its `return` fails by itself. A number
    may be cut in the middle, so `require_finished` gives such completions no answer and reward 0.
    """

    partial_reward: float = Field(default=0.1, ge=0, le=1)
    """reward of an answer of the right kind that is wrong (ReFT: 0.1; its ablation: 0)"""
    require_finished: bool = False
    """whether a completion that hit the token limit counts as having no answer"""


def gold_of(problem: Problem) -> str:
    """The problem's gold answer. Raises DataError where it has none."""
    if problem.answer is None:
        raise DataError(f"problem {problem.id!r} has no gold answer to grade against")
    return problem.answer


def text_after_trigger(completion: Completion, trigger: str) -> str | None:
    """The first line after the last trigger that has text on it; None where there is none.

    White space at the end of the trigger is no part of it.
    """
    _, found, tail = completion.text.rpartition(trigger.rstrip())
    lines = [line.strip() for line in tail.splitlines()] if found else []
    return next((line for line in lines if line), None)


def score_of(
    answer: str | None,
    *,
    is_correct: bool,
    config: AnswerConfig,
    parts: Mapping[str, float] | None = None,
) -> Score:
    """1 for the right answer, the partial reward for a wrong one, 0 for none."""
    wrong = 0.0 if answer is None else config.partial_reward
    extracted = {"extracted": float(answer is not None)}
    return Score(1.0 if is_correct else wrong, is_correct, answer, {**extracted, **(parts or {})})
