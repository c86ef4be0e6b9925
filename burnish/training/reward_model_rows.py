"""From feedback to what a reward model is fitted to: answers as tokens, and what was said of them.

An answer is prompt, text, EOS (unless it was cut off), and one token more that nothing reads, so
that the state at EOS is computed where answers share their prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from jaxtyping import Float
from torch import Tensor

from burnish.data.feedback.kinds import Feedback, FeedbackKind
from burnish.data.rendering import Renderer
from burnish.errors import DataError
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import RewardModel
from burnish.types import Example, Problem, StopReason

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
    """

    problem_id: str
    answers: tuple[Example, ...]
    label: L
    weight: float = 1.0
    size: int = 1


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


class AnswerReader:
    """Turns answers into what a reward model reads."""

    def __init__(self, renderer: Renderer, model: RewardModel) -> None:
        """`renderer`: with the reward model's tokenizer."""
        self._renderer = renderer
        self._eos_id = model.eos_id
        self._max_context = model.max_context

    def __call__(
        self, problem: Problem, text: str, stop_reason: StopReason = StopReason.EOS
    ) -> Example:
        """One answer. Raises DataError where prompt and answer are longer than the model reads."""
        whole = self._renderer.imitation(problem, text)
        if stop_reason is StopReason.LENGTH:
            return whole  # its EOS is the token that nothing reads
        size = len(whole.token_ids)
        if self._max_context is not None and size > self._max_context:
            raise DataError(
                f"problem {problem.id!r:.80}: its prompt and an answer have {size} tokens, past the"
                f" reward model's context of {self._max_context}. Shorten or remove it."
            )
        token_ids, is_action = (*whole.token_ids, self._eos_id), (*whole.is_action, True)
        return Example(problem.id, token_ids, is_action)
