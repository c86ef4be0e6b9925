"""A trained reward model as a grader: loaded models that read problem and completion."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.graders.verdicts import score_of
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_values import RewardJudge
from burnish.types import Completion, GraderFailure, Problem, Score

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
        """Raises DataError for an answer that is longer than the model reads."""
        examples = [self._reader(p, c.text, c.stop_reason) for p, c in pairs]
        rewards = self._judge.rewards(examples)
        return [
            score_of(reward, text=c.text, pass_threshold=self._pass_threshold, best=_NEVER)
            for reward, (_, c) in zip(rewards, pairs, strict=True)
        ]
