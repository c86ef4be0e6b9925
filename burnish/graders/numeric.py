"""Natural-language rationales that end in a number. ReFT (arXiv:2401.08967), section 3.2.

    1 if |extracted - gold| <= tolerance, 0.1 if something else was extracted, 0 if nothing was

We differ from the released code where it fails silently: the answer may be written "$1,000",
"50%", "12 apples" or "3/4", and it is one number or none; a list of numbers earns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.errors import DataError
from burnish.graders.answer import TRIGGER, AnswerConfig, gold_of, score_of, text_after_trigger
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader
from burnish.graders.numbers import canonical, number_in
from burnish.types import Completion, GraderFailure, Problem, Score


class NumericConfig(AnswerConfig):
    """Grade the number after the trigger."""

    type: Literal["numeric"] = "numeric"
    """the grader"""
    trigger: str = Field(default=TRIGGER, min_length=1)
    """the text after whose last occurrence the answer stands"""
    tolerance: float = Field(default=1e-2, ge=0)
    """largest absolute difference from the gold number that is right (ReFT: 0.01)"""

    def build(self) -> Grader:
        """The grader, which never raises."""
        return Guarded(NumericGrader(self))


class NumericGrader:
    """Scores the one number in the first line after the last trigger."""

    def __init__(self, config: NumericConfig) -> None:
        """Everything it needs is in `config`."""
        self._config = config

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """Raises DataError where a gold answer is missing or no number."""
        return [self._score(problem, completion) for problem, completion in pairs]

    def _score(self, problem: Problem, completion: Completion) -> Score:
        gold = gold_number(problem)
        number = self._extract(completion)
        if number is None:
            return score_of(None, is_correct=False, config=self._config)
        is_correct = abs(number - gold) <= self._config.tolerance
        return score_of(canonical(number), is_correct=is_correct, config=self._config)

    def _extract(self, completion: Completion) -> float | None:
        if self._config.require_finished and completion.is_truncated:
            return None
        answer = text_after_trigger(completion, self._config.trigger)
        return None if answer is None else number_in(answer)


def gold_number(problem: Problem) -> float:
    """The gold answer as a number. Raises DataError."""
    gold = gold_of(problem)
    number = number_in(gold)
    if number is None:
        raise DataError(f"problem {problem.id!r}: the gold answer {gold!r} is not one number")
    return number
