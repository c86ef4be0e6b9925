"""Learning from comparisons: Bradley-Terry, with ties, strengths, soft labels and rankings.

InstructGPT (arXiv:2203.02155): the pairs of one ranking of K answers are learnt in one batch, where
each answer is read once, and count as one row. Other pairs are a row each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.reward_losses import bradley_terry_loss, centring_penalty, tie_loss
from burnish.data.feedback.kinds import Feedback, FeedbackKind
from burnish.errors import DataError
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import RewardModel
from burnish.training.reward_model_rows import JudgedRow
from burnish.types import Example, Preference

TIE = 0.5


class ComparisonsConfig(Config):
    """Two answers to one prompt, one of them better."""

    type: Literal["comparisons"] = "comparisons"
    """Bradley-Terry."""
    ties: Literal["half", "rao_kupper", "left_out"] = "half"
    """half: a soft label of 1/2; rao_kupper: an outcome of its own, with a width that is learnt;
    left_out: not learnt from."""
    margin_per_step: float = Field(default=0.0, ge=0)
    """m: what each step of strength asks the scores to differ by; Llama 2: 1/3; 0: no margin."""
    centring_coef: float = Field(default=0.0, ge=0)
    """eta: weight of (r_w + r_l)^2; the paper: 0.01."""

    def objective(self) -> Comparisons:
        """How they are learnt."""
        return Comparisons(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers of a row by their places, the first said to be better with a probability."""

    chosen: int
    rejected: int
    probability: float = 1.0
    strength: float | None = None

    @property
    def is_tie(self) -> bool:
        """True where neither is said to be better."""
        return self.probability == TIE


Pairs = tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The objective."""

    config: ComparisonsConfig
    kind: FeedbackKind = field(default="comparisons", init=False)

    def head(self) -> RewardHead:
        """One score."""
        return RewardHead("comparisons", ("reward",))

    def rows(self, feedback: Sequence[Feedback], reader: AnswerReader) -> list[JudgedRow[Pairs]]:
        """A row for each comparison, and one for each ranking."""
        together: dict[tuple[str, str], list[Preference]] = {}
        for number, preference in enumerate(feedback):
            assert isinstance(preference, Preference)
            if self.config.ties == "left_out" and preference.probability == TIE:
                continue
            ranking = f"#{number}" if preference.ranking is None else preference.ranking
            together.setdefault((preference.problem.id, ranking), []).append(preference)
        return [_row(pairs, reader) for pairs in together.values()]

    def losses(
        self, model: RewardModel, scores: Float[Tensor, "N K"], rows: Sequence[JudgedRow[Pairs]]
    ) -> Float[Tensor, "R"]:
        """The mean over the pairs of each row."""
        flat = _Flat.of(rows, device=scores.device)
        chosen, rejected = scores[flat.chosen, 0], scores[flat.rejected, 0]
        width = model.scale.tie_width
        has_width = self.config.ties == "rao_kupper"
        margin = self.config.margin_per_step * flat.strength + (width if has_width else 0.0)
        losses = bradley_terry_loss(chosen, rejected, probability=flat.probability, margin=margin)
        if has_width:
            losses = torch.where(flat.is_tie, tie_loss(chosen, rejected, width), losses)
        losses = losses + self.config.centring_coef * centring_penalty(chosen, rejected)
        return scores.new_zeros(len(rows)).index_add(0, flat.row, losses * flat.share)


@dataclass(frozen=True, slots=True)
class _Flat:
    """P pairs of all rows as tensors; `share` is one over the pairs of the pair's row."""

    chosen: Tensor
    rejected: Tensor
    probability: Tensor
    strength: Tensor
    is_tie: Tensor
    row: Tensor
    share: Tensor

    @classmethod
    def of(cls, rows: Sequence[JudgedRow[Pairs]], *, device: torch.device) -> _Flat:
        start, found = 0, []
        for number, row in enumerate(rows):
            found += [(start, number, pair, 1.0 / len(row.label)) for pair in row.label]
            start += len(row.answers)
        return cls(
            torch.tensor([s + pair.chosen for s, _, pair, _ in found], device=device),
            torch.tensor([s + pair.rejected for s, _, pair, _ in found], device=device),
            torch.tensor([pair.probability for _, _, pair, _ in found], device=device),
            torch.tensor([pair.strength or 0.0 for _, _, pair, _ in found], device=device),
            torch.tensor([pair.is_tie for _, _, pair, _ in found], device=device),
            torch.tensor([number for _, number, _, _ in found], device=device),
            torch.tensor([share for _, _, _, share in found], device=device),
        )


def _row(preferences: Sequence[Preference], reader: AnswerReader) -> JudgedRow[Pairs]:
    """All pairs of one ranking, or the one of a comparison. Raises DataError for a bad label."""
    problem = preferences[0].problem
    texts = list(dict.fromkeys(t for p in preferences for t in (p.chosen, p.rejected)))
    for p in preferences:
        if not TIE <= p.probability <= 1.0:
            raise DataError(
                f"problem {problem.id!r:.80}: the chosen answer is better with probability "
                f"{p.probability:g}; expected 0.5 (a tie) to 1. Swap the two answers."
            )
    pairs = tuple(
        Pair(texts.index(p.chosen), texts.index(p.rejected), p.probability, p.strength)
        for p in preferences
    )
    answers: tuple[Example, ...] = tuple(reader(problem, text) for text in texts)
    weight = sum(p.weight for p in preferences) / len(preferences)
    source = preferences[0].source
    return JudgedRow(problem.id, answers, pairs, weight, source=source)
