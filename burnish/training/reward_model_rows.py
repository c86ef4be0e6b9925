"""From feedback to what a reward model is fitted to: answers as tokens, and what was said of them.

What a model reads of an answer is told by `AnswerReader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from jaxtyping import Float
from torch import Tensor

from burnish.data.feedback.kinds import Feedback, FeedbackKind
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import RewardModel
from burnish.types import Example

L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class JudgedRow(Generic[L]):
    """Answers to one problem, with a judgement on all of them.

    Attributes:
        problem_id: what was asked.
        answers: their tokens.
        label: the judgement.
        weight: how much it counts.
        size: numbers in it; each counts the same.
        source: who judged: people, a judge's name.
    """

    problem_id: str
    answers: tuple[Example, ...]
    label: L
    weight: float = 1.0
    size: int = 1
    source: str = ""


class Objective(Protocol[L]):
    """How one kind of feedback is learnt."""

    @property
    def kind(self) -> FeedbackKind:
        """The kind."""
        ...

    def head(self) -> RewardHead:
        """What a model that is fitted so says."""
        ...

    def rows(self, feedback: Sequence[Feedback], reader: AnswerReader) -> list[JudgedRow[L]]:
        """The feedback as rows. Raises DataError where it does not fit."""
        ...

    def losses(
        self, model: RewardModel, scores: Float[Tensor, "N K"], rows: Sequence[JudgedRow[L]]
    ) -> Float[Tensor, "R"]:
        """The sum of the losses of each row's numbers; `scores` are of all rows' answers."""
        ...
