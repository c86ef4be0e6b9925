"""A trained reward model as a grader: loaded models that read problem and completion."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.errors import DataError
from burnish.graders.verdicts import (
    ErrorKind,
    UngradableError,
    Verdict,
    each,
    score_of,
    together,
)
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_values import RewardJudge
from burnish.types import Completion, Example, GraderFailure, Problem, Score

_NEVER = float("inf")


class RewardModelGrader:
    """Pays what one reward model says. The texts are read again, in the model's own tokens."""

    def __init__(
        self, judge: RewardJudge, reader: AnswerReader, *, pass_threshold: float | None = None
    ) -> None:
        """`pass_threshold`: reward from which an answer counts as correct; None: none does."""
        self._judge = judge
        self._reader = reader
        self._pass_threshold = pass_threshold

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """One verdict per pair; an answer that is longer than the model reads fails."""
        examples = each(pairs, self._example)
        rewards = together(examples, self._judge.rewards)
        return [
            reward
            if isinstance(reward, Verdict)
            else score_of(
                reward, text=answer.text, pass_threshold=self._pass_threshold, best=_NEVER
            )
            for reward, (_, answer) in zip(rewards, pairs, strict=True)
        ]

    def _example(self, pair: tuple[Problem, Completion]) -> Example:
        problem, completion = pair
        try:
            return self._reader(problem, completion.text, completion.stop_reason)
        except DataError as error:
            raise UngradableError(ErrorKind.OTHER, str(error)) from error
