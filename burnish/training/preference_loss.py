"""Which loss of the DPO family is minimised, and what it needs to know of a pair.

The formulas stand in `burnish/core/preference_losses.py`; here are their settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.preference_losses import dpo_loss


@dataclass(frozen=True, slots=True)
class PairLogps:
    """Log-probabilities of the answers of B pairs, each a sum over its tokens, in nats.

    Attributes:
        chosen, rejected: under the policy in training.
        ref_chosen, ref_rejected: under the reference policy; constants.
        chosen_length, rejected_length: tokens of the answers.
    """

    chosen: Float[Tensor, "B"]
    rejected: Float[Tensor, "B"]
    ref_chosen: Float[Tensor, "B"]
    ref_rejected: Float[Tensor, "B"]
    chosen_length: Float[Tensor, "B"]
    rejected_length: Float[Tensor, "B"]


class PreferenceLoss(Protocol):
    """A loss of pairs."""

    @property
    def reward_scale(self) -> float:
        """What a log-ratio is multiplied with to be an implicit reward."""
        ...

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """To be minimised."""
        ...


class DpoLoss(Config):
    """L = -log sigmoid(beta h), arXiv:2305.18290."""

    type: Literal["dpo"] = "dpo"
    """direct preference optimisation"""
    beta: float = Field(default=0.1, gt=0)
    """beta: how dear it is to leave the reference policy; the paper: 0.1, 0.5 for summaries"""

    @property
    def reward_scale(self) -> float:
        """beta."""
        return self.beta

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`dpo_loss`."""
        return dpo_loss(
            logps.chosen, logps.rejected, logps.ref_chosen, logps.ref_rejected, beta=self.beta
        )


AnyPreferenceLoss: TypeAlias = DpoLoss
