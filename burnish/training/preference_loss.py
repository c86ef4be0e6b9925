"""Which loss of the DPO family is minimised, and what it takes for an answer's reward.

The formulas stand in `burnish/core/preference_losses.py`; here are their settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypeAlias

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.preference_losses import (
    conservative_dpo_loss,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    odds_ratio_loss,
    robust_dpo_loss,
    simpo_loss,
)

Rewards: TypeAlias = "tuple[Float[Tensor, 'B'], Float[Tensor, 'B']]"


@dataclass(frozen=True, slots=True)
class PairLogps:
    """Log-probabilities of the answers of B pairs, each a sum over its tokens, in nats.

    Attributes:
        chosen, rejected: under the policy in training.
        ref_chosen, ref_rejected: under the reference policy; constants.
        chosen_length, rejected_length: tokens of the answers.
        kl: z, an estimate of KL(policy || reference) of the whole batch; of use to KTO only.
    """

    chosen: Float[Tensor, "B"]
    rejected: Float[Tensor, "B"]
    ref_chosen: Float[Tensor, "B"]
    ref_rejected: Float[Tensor, "B"]
    chosen_length: Float[Tensor, "B"]
    rejected_length: Float[Tensor, "B"]
    kl: float = 0.0

    @property
    def swapped(self) -> PairLogps:
        """With the other answer as the chosen one."""
        return PairLogps(
            self.rejected,
            self.chosen,
            self.ref_rejected,
            self.ref_chosen,
            self.rejected_length,
            self.chosen_length,
            self.kl,
        )

    @property
    def log_ratios(self) -> Rewards:
        """rho of both answers: log pi - log pi_ref."""
        return self.chosen - self.ref_chosen, self.rejected - self.ref_rejected

    @property
    def margin(self) -> Float[Tensor, "B"]:
        """h = rho_w - rho_l."""
        chosen, rejected = self.log_ratios
        return chosen - rejected

    @property
    def mean_logps(self) -> Rewards:
        """Mean log-probability of a token of both answers."""
        return self.chosen / self.chosen_length, self.rejected / self.rejected_length


class PreferenceLoss(Protocol):
    """A loss of pairs."""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """To be minimised."""
        ...

    def rewards(self, logps: PairLogps) -> Rewards:
        """The implicit rewards of both answers; a larger one of the chosen is what is learnt."""
        ...


class _OfLogRatios(Config):
    """Rewards are beta rho."""

    beta: float = Field(default=0.1, gt=0)
    """beta: how dear it is to leave the reference policy"""

    def rewards(self, logps: PairLogps) -> Rewards:
        """beta rho."""
        chosen, rejected = logps.log_ratios
        return self.beta * chosen, self.beta * rejected


class DpoLoss(_OfLogRatios):
    """L = -log sigmoid(beta h), arXiv:2305.18290."""

    type: Literal["dpo"] = "dpo"
    """direct preference optimisation"""
    beta: float = Field(default=0.1, gt=0)
    """beta: how dear it is to leave the reference policy; the paper: 0.1, 0.5 for summaries"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`dpo_loss`."""
        return dpo_loss(
            logps.chosen, logps.rejected, logps.ref_chosen, logps.ref_rejected, beta=self.beta
        )


class ConservativeDpoLoss(_OfLogRatios):
    """L = -(1 - e) log sigmoid(beta h) - e log sigmoid(-beta h)."""

    type: Literal["conservative"] = "conservative"
    """DPO for labels that may be wrong: the margin has a goal"""
    flip: float = Field(default=0.1, ge=0, lt=0.5)
    """e: how often a label is wrong"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`conservative_dpo_loss`."""
        return conservative_dpo_loss(logps.margin, beta=self.beta, flip=self.flip)


class RobustDpoLoss(_OfLogRatios):
    """L = [-(1 - e) log sigmoid(beta h) + e log sigmoid(-beta h)] / (1 - 2 e), arXiv:2403.00409."""

    type: Literal["robust"] = "robust"
    """DPO for labels that are wrong at a known rate: without bias"""
    flip: float = Field(default=0.1, ge=0, lt=0.5)
    """e: how often a label is wrong"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`robust_dpo_loss`."""
        return robust_dpo_loss(logps.margin, beta=self.beta, flip=self.flip)


class HingeLoss(_OfLogRatios):
    """L = max(0, 1 - beta h), arXiv:2309.06657."""

    type: Literal["hinge"] = "hinge"
    """a margin of 1 / beta is enough"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`hinge_loss`."""
        return hinge_loss(logps.margin, beta=self.beta)


class RpoLoss(_OfLogRatios):
    """L = -log sigmoid(beta h) - alpha log pi(y_w) / |y_w|, arXiv:2404.19733."""

    type: Literal["rpo"] = "rpo"
    """DPO and imitation of the chosen answer, whose probability then does not fall"""
    alpha: float = Field(default=1.0, ge=0)
    """alpha: weight of the imitation; the paper: 1"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`dpo_loss` and the mean negative log-probability of the chosen answer's tokens."""
        preferred = dpo_loss(
            logps.chosen, logps.rejected, logps.ref_chosen, logps.ref_rejected, beta=self.beta
        )
        return preferred - self.alpha * logps.mean_logps[0]


class KtoLoss(_OfLogRatios):
    """L = w_D (1 - s(beta (rho_w - z))) / 2 + w_U (1 - s(beta (z - rho_l))) / 2, 2402.01306."""

    type: Literal["kto"] = "kto"
    """each answer for itself is desirable or not; the pairs are taken apart"""
    desirable_weight: float = Field(default=1.0, gt=0)
    """w_D: of chosen answers"""
    undesirable_weight: float = Field(default=1.0, gt=0)
    """w_U: of rejected ones; the paper: w_D over w_U between 1 and 4/3 for as many of both"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """The mean of `kto_loss` over both answers."""
        chosen, rejected = logps.log_ratios
        losses = kto_loss(
            torch.cat([chosen, rejected]),
            torch.arange(2 * len(chosen), device=chosen.device) < len(chosen),
            torch.tensor(logps.kl, device=chosen.device),
            beta=self.beta,
            desirable_weight=self.desirable_weight,
            undesirable_weight=self.undesirable_weight,
        )
        return losses.view(2, -1).mean(dim=0)


class IpoLoss(Config):
    """L = (h - 1 / (2 tau))^2, arXiv:2310.12036."""

    type: Literal["ipo"] = "ipo"
    """the margin has a goal, also for certain labels"""
    tau: float = Field(default=0.1, gt=0)
    """tau: how dear it is to leave the reference policy"""
    over: Literal["mean", "sum"] = "mean"
    """log-probabilities of an answer are means over its tokens (as its authors confirmed, and as
    in TRL) or sums (as in the first public code of DPO)"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`ipo_loss`."""
        chosen, rejected = self._log_ratios(logps)
        return ipo_loss(chosen - rejected, tau=self.tau)

    def rewards(self, logps: PairLogps) -> Rewards:
        """tau rho."""
        chosen, rejected = self._log_ratios(logps)
        return self.tau * chosen, self.tau * rejected

    def _log_ratios(self, logps: PairLogps) -> Rewards:
        chosen, rejected = logps.log_ratios
        if self.over == "sum":
            return chosen, rejected
        return chosen / logps.chosen_length, rejected / logps.rejected_length


class SimpoLoss(Config):
    """L = -log sigmoid(beta (mean log pi(y_w) - mean log pi(y_l)) - gamma), arXiv:2405.14734."""

    type: Literal["simpo"] = "simpo"
    """no reference, and no liking for length"""
    beta: float = Field(default=2.5, gt=0)
    """beta: scale of the reward; the paper: 2 to 2.5"""
    gamma: float = Field(default=1.375, ge=0)
    """gamma: the margin that is asked for; the paper: about 0.55 beta"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """`simpo_loss`."""
        return simpo_loss(*logps.mean_logps, beta=self.beta, gamma=self.gamma)

    def rewards(self, logps: PairLogps) -> Rewards:
        """beta times the mean log-probability of a token."""
        chosen, rejected = logps.mean_logps
        return self.beta * chosen, self.beta * rejected


class OrpoLoss(Config):
    """L = -mean log pi(y_w) - lambda log sigmoid(log odds(y_w) - log odds(y_l)), 2403.07691."""

    type: Literal["orpo"] = "orpo"
    """imitation and preference at once, from a base model, without a reference"""
    odds_coef: float = Field(default=0.1, ge=0)
    """lambda: weight of the odds ratio; the paper: 0.1"""

    def per_pair(self, logps: PairLogps) -> Float[Tensor, "B"]:
        """The mean negative log-probability of the chosen answer's tokens and `odds_ratio_loss`."""
        chosen, rejected = logps.mean_logps
        return self.odds_coef * odds_ratio_loss(chosen, rejected) - chosen

    def rewards(self, logps: PairLogps) -> Rewards:
        """lambda times the mean log-probability of a token."""
        chosen, rejected = logps.mean_logps
        return self.odds_coef * chosen, self.odds_coef * rejected


AnyPreferenceLoss: TypeAlias = Annotated[
    DpoLoss
    | ConservativeDpoLoss
    | RobustDpoLoss
    | IpoLoss
    | HingeLoss
    | KtoLoss
    | SimpoLoss
    | OrpoLoss
    | RpoLoss,
    Field(discriminator="type"),
]
