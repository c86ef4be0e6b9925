"""Learning several attributes at once: a head each, and nothing from what nobody said.

    L = sum over the known values of (r_k - z_k)^2

z_k is the value in standard units of its attribute, so that no attribute counts more because its
scale is wider. What the reward is made of them is decided afterwards (`weighted_reward` in
models/reward_values.py), as in HelpSteer (arXiv:2311.09528) and SteerLM.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.reward_losses import masked_squared_error
from burnish.data.feedback.kinds import Feedback, FeedbackKind
from burnish.errors import ConfigError, DataError
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import RewardModel
from burnish.training.learner import OptimizerConfig
from burnish.training.reward_model import FitConfig
from burnish.training.reward_model_rows import JudgedRow
from burnish.types import AttributeRating

Values = tuple[float, ...]
"""K values in the units of the labels; NaN where one is missing."""


class GateConfig(Config):
    """A gate on the prompt decides what each attribute counts (ArmoRM)."""

    hidden: int = Field(default=64, ge=1)
    """H: units of its layer."""
    fit: FitConfig = FitConfig(epochs=3, optimizer=OptimizerConfig(learning_rate=1e-3))
    """The training, by the task's comparisons; nothing else of the model changes."""


class AttributesConfig(Config):
    """Answers rated by several attributes."""

    type: Literal["attributes"] = "attributes"
    """One head per attribute."""
    weights: dict[str, float] | None = None
    """Of each attribute in the one reward, in the units of its labels; may be changed after
    training; default: 1 for each."""
    gate: GateConfig | None = None
    """Also train a gate that weighs them by the prompt; needs a task with comparisons as well."""

    def objective(self, train: Sequence[Feedback]) -> Attributes:
        """How they are learnt; the attributes are those in `train`. Raises ConfigError."""
        found = attributes_of(train)
        unknown = sorted((self.weights or {}).keys() - found.names)
        if unknown:
            raise ConfigError(
                f"weights names {unknown[0]!r}, but the attributes of the training rows are"
                f" {', '.join(found.names)}"
            )
        return found


@dataclass(frozen=True, slots=True)
class Attributes:
    """The objective.

    Attributes:
        names: of K attributes.
        means, deviations: of the training labels of each.
        kind: the feedback that the labels were made of.
    """

    names: tuple[str, ...]
    means: Values
    deviations: Values
    kind: FeedbackKind = field(default="attributes")

    def head(self) -> RewardHead:
        """One number per attribute, in standard units."""
        return RewardHead(self.kind, self.names, means=self.means, deviations=self.deviations)

    def rows(self, feedback: Sequence[Feedback], reader: AnswerReader) -> list[JudgedRow[Values]]:
        """A row for each answer about which anything is known."""
        found = []
        for r in feedback:
            assert isinstance(r, AttributeRating)
            said = (r.values.get(name) for name in self.names)
            values = tuple(math.nan if value is None else value for value in said)
            size = sum(not math.isnan(value) for value in values)
            if size:
                answers = (reader(r.problem, r.text),)
                found.append(JudgedRow(r.problem.id, answers, values, r.weight, size))
        return found

    def losses(
        self, model: RewardModel, scores: Float[Tensor, "N K"], rows: Sequence[JudgedRow[Values]]
    ) -> Float[Tensor, "R"]:
        """The sum over the known values of each row."""
        values = torch.tensor([row.label for row in rows], device=scores.device)
        targets = (values - scores.new_tensor(self.means)) / scores.new_tensor(self.deviations)
        return masked_squared_error(scores, targets, ~values.isnan()).sum(dim=1)


def attributes_of(train: Sequence[Feedback]) -> Attributes:
    """The attributes that are rated in the rows. Raises DataError where none is."""
    said: dict[str, list[float]] = {}
    for rating in train:
        assert isinstance(rating, AttributeRating)
        for name, value in rating.values.items():
            said.setdefault(name, []).extend([] if value is None else [value])
    known = {name: values for name, values in said.items() if values}
    if not known:
        raise DataError("not one attribute has a value in the training rows; check their columns")
    means = tuple(fmean(values) for values in known.values())
    return Attributes(tuple(known), means, tuple(pstdev(v) or 1.0 for v in known.values()))
