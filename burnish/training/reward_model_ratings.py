"""Learning from ratings on a scale, by raters who use it differently.

ordinal      P(s <= j) = sigmoid(theta_j + b_rater - r), thresholds theta and strictness b learnt
             with the scores (McCullagh 1980)
normalised   (r - z)^2, z the rating in standard units of its rater
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from statistics import fmean, pstdev
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from burnish.config import Config
from burnish.core.reward_losses import ordinal_loss
from burnish.data.feedback.kinds import Feedback, FeedbackKind
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import RewardModel
from burnish.training.reward_model_rows import JudgedRow
from burnish.types import Rating

_PRIOR = 4.0
_SMALLEST_GAP = 0.05


class RatingsConfig(Config):
    """Answers rated on a scale (Likert)."""

    type: Literal["ratings"] = "ratings"
    """Ordinal regression, or regression on what raters mean."""
    fit: Literal["ordinal", "normalised"] = "ordinal"
    """ordinal: the chance of each grade, with thresholds that are learnt; normalised: squared error
    to the rating less its rater's mean, over its rater's standard deviation."""
    strictness: Literal["of_each_rater", "shared"] = "of_each_rater"
    """ordinal only: whether each rater's thresholds are shifted by a number that is learnt."""

    def objective(self, train: Sequence[Feedback], *, num_grades: int) -> Ratings:
        """How they are learnt; the raters' habits are those in `train`."""
        of_rater: dict[str, list[float]] = {}
        for rating in train:
            assert isinstance(rating, Rating)
            of_rater.setdefault(rating.rater, []).append(float(rating.rating))
        return Ratings(self, num_grades, {name: of_rater[name] for name in sorted(of_rater)})


@dataclass(frozen=True, slots=True)
class RatedBy:
    """A rating from 0 up, and whose."""

    rating: int
    rater: str


@dataclass(frozen=True, slots=True)
class Ratings:
    """The objective. `ratings`: all of each rater in the training rows."""

    config: RatingsConfig
    num_grades: int
    ratings: Mapping[str, Sequence[float]]
    kind: FeedbackKind = field(default="ratings", init=False)

    def head(self) -> RewardHead:
        """One score: in logits (ordinal), or in standard units of a rater."""
        if self.config.fit == "ordinal":
            thresholds, strictness = self._habits()
            own = self.config.strictness == "of_each_rater" and len(strictness) > 1
            return RewardHead(
                "ratings",
                ("reward",),
                thresholds=thresholds,
                raters=tuple(self.ratings) if own else (),
                strictness=strictness if own else (),
            )
        mean, deviation = self._units(None)
        return RewardHead("ratings", ("reward",), means=(mean,), deviations=(deviation,))

    def rows(self, feedback: Sequence[Feedback], reader: AnswerReader) -> list[JudgedRow[RatedBy]]:
        """A row for each rating."""
        found = []
        for r in feedback:
            assert isinstance(r, Rating)
            label = RatedBy(r.rating, r.rater)
            answers = (reader(r.problem, r.text),)
            found.append(JudgedRow(r.problem.id, answers, label, r.weight))
        return found

    def losses(
        self, model: RewardModel, scores: Float[Tensor, "N K"], rows: Sequence[JudgedRow[RatedBy]]
    ) -> Float[Tensor, "R"]:
        """The loss of each rating."""
        score = scores[:, 0]
        if self.config.fit == "ordinal":
            ratings = torch.tensor([row.label.rating for row in rows], device=score.device)
            raters = [row.label.rater for row in rows]
            return ordinal_loss(score, model.scale.thresholds(raters, model.head.raters), ratings)
        targets = [self._in_units(row.label) for row in rows]
        return (score - torch.tensor(targets, device=score.device)).square()

    def _habits(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Thresholds and strictness to start from: those by which equal scores would explain how
        often each grade is given, by all and by each rater.

        A rater of few words is taken for an average one: all count as _PRIOR ratings of theirs.
        """
        every = [rating for own in self.ratings.values() for rating in own]
        grades = range(self.num_grades - 1)
        shares = [(sum(r <= j for r in every) + 0.5) / (len(every) + 1.0) for j in grades]
        rising = [_logit(share) for share in shares]
        for j in grades[1:]:
            rising[j] = max(rising[j], rising[j - 1] + _SMALLEST_GAP)
        strictness = []
        for own in self.ratings.values():
            counts = [sum(rating <= j for rating in own) for j in grades]
            moved = [
                _logit((count + _PRIOR * share) / (len(own) + _PRIOR)) - _logit(share)
                for count, share in zip(counts, shares, strict=True)
            ]
            strictness.append(fmean(moved))
        return tuple(rising), tuple(strictness)

    def _in_units(self, label: RatedBy) -> float:
        mean, deviation = self._units(label.rater)
        return (label.rating - mean) / deviation

    def _units(self, rater: str | None) -> tuple[float, float]:
        """Mean and deviation of a rater's ratings; of all, where the rater is not known.

        One who always says the same says nothing: the deviation is 1, and the target 0.
        """
        known = self.ratings.get(rater, ()) if rater is not None else ()
        found = known or [rating for own in self.ratings.values() for rating in own]
        return fmean(found), pstdev(found) or 1.0


def _logit(share: float) -> float:
    return log(share / (1.0 - share))
