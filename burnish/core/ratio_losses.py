"""Losses of the probability ratio beside PPO's clip, one value per token, to be minimised.

With r_t = exp(logp_t - old_logp_t). Where a loss is about a whole sequence its value stands at each
of the sequence's actions, so that a mean over them is that value. `old_logp` and `advantage` are
constants: no gradient. Masks and reductions: `masking`.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_LOWEST_LOG_RATIO = math.log(1e-8)


def sequence_log_ratio(
    logp: Float[Tensor, "B T"], old_logp: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, "B 1"]:
    """Log of GSPO's ratio, the mean log-ratio of a sequence's tokens: mean_t(logp_t - old_logp_t).

    The length in the divisor keeps sequences of all lengths in one range of ratios. 0 for a
    sequence without actions.
    """
    gap = torch.where(mask, logp - old_logp.detach(), 0.0)
    return gap.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def sequence_clipped_surrogate(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_low: float,
    clip_high: float,
) -> Float[Tensor, "B T"]:
    """GSPO: PPO's pessimistic bound with one ratio for the whole sequence.

        s_i  = exp(mean_t(logp_it - old_logp_it))
        L_it = -min(s_i A_it, clip(s_i, 1 - clip_low, 1 + clip_high) A_it)

    Equations 5 to 7 of Zheng et al. 2025 (arXiv:2507.18071).
    """
    ratio = torch.exp(sequence_log_ratio(logp, old_logp, mask))
    advantage = advantage.detach()
    clipped = ratio.clamp(1.0 - clip_low, 1.0 + clip_high)
    return -torch.minimum(ratio * advantage, clipped * advantage)


def capped_reinforce(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    *,
    max_ratio: float,
) -> Float[Tensor, "B T"]:
    """CISPO: REINFORCE, each token weighted by its ratio up to a cap.

        L_t = -sg(min(r_t, c)) A_t logp_t

    Equations 4 and 5 of MiniMax 2025 (arXiv:2506.13585), which bound the ratio above only. Unlike
    under PPO's clip no token loses its gradient.

    Args:
        max_ratio: c, that is 1 + epsilon_high.
    """
    weight = torch.exp(logp.detach() - old_logp.detach()).clamp(max=max_ratio)
    return -weight * advantage.detach() * logp


def soft_gated_surrogate(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    *,
    gate_positive: float,
    gate_negative: float,
) -> Float[Tensor, "B T"]:
    """SAPO: a sigmoid gate in place of the clip.

        L_t = -A_t (4 / tau) sigmoid(tau (r_t - 1))
        tau = gate_positive where A_t > 0, else gate_negative

    Qwen 2025 (arXiv:2511.20347). At ratio 1 the gradient is REINFORCE's; it fades on both
    sides, the faster the larger tau.
    """
    advantage = advantage.detach()
    ratio = torch.exp(logp - old_logp.detach())
    gate = torch.where(advantage > 0, gate_positive, gate_negative)
    return -advantage * torch.sigmoid(gate * (ratio - 1.0)) * 4.0 / gate


def gamma_weighted_reinforce(
    logp: Float[Tensor, "B T"],
    old_logp: Float[Tensor, "B T"],
    advantage: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    shape: tuple[float, float],
    rate: tuple[float, float],
) -> Float[Tensor, "B T"]:
    """VESPO: REINFORCE, each sequence weighted by a bump over its ratio, which is 1 at ratio 1.

        w_i   = prod_t r_it,  log w_i kept within [log 1e-8, 20]
        phi_i = w_i^k exp(lambda (1 - w_i))
        L_it  = -sg(phi_i) A_it logp_it

    From arXiv:2602.10693, as TRL computes it.

    Args:
        shape: k where the advantage is at least 0, and where it is below.
        rate: lambda of both.
    """
    gap = torch.where(mask, logp.detach() - old_logp.detach(), 0.0).clamp(-20.0, 20.0)
    log_ratio = gap.sum(dim=1, keepdim=True).clamp(_LOWEST_LOG_RATIO, 20.0)
    advantage = advantage.detach()
    k = torch.where(advantage >= 0, shape[0], shape[1])
    decay = torch.where(advantage >= 0, rate[0], rate[1])
    weight = torch.exp(decay + k * log_ratio - decay * log_ratio.exp())
    return -weight * advantage * logp
