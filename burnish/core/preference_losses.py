"""Losses over pairs of a chosen and a rejected answer, one value per pair, to be minimised."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


def dpo_loss(
    chosen_logp: Float[Tensor, "B"],
    rejected_logp: Float[Tensor, "B"],
    ref_chosen_logp: Float[Tensor, "B"],
    ref_rejected_logp: Float[Tensor, "B"],
    *,
    beta: float,
) -> Float[Tensor, "B"]:
    """Direct preference optimisation, per pair, to be minimised.

        h = (logp(y_w) - ref_logp(y_w)) - (logp(y_l) - ref_logp(y_l))
        L = -log sigmoid(beta h)

    Equation 7 of Rafailov et al. 2023 (arXiv:2305.18290). Log 2 where policy and reference agree.

    Args:
        chosen_logp: log-probability, in nats, of the whole preferred answer y_w under the policy
            in training: the sum over its tokens.
        rejected_logp: the same of the other answer y_l.
        ref_chosen_logp: the same of y_w under the reference policy. Constant: no gradient.
        ref_rejected_logp: the same of y_l under the reference policy. Constant: no gradient.
        beta: how dear it is to leave the reference policy.
    """
    return -functional.logsigmoid(
        beta * reward_margin(chosen_logp, rejected_logp, ref_chosen_logp, ref_rejected_logp)
    )


def reward_margin(
    chosen_logp: Float[Tensor, "B"],
    rejected_logp: Float[Tensor, "B"],
    ref_chosen_logp: Float[Tensor, "B"],
    ref_rejected_logp: Float[Tensor, "B"],
) -> Float[Tensor, "B"]:
    """h of `dpo_loss`: by how much more the policy prefers y_w over y_l than the reference does.

    Times beta it is the difference of the implicit rewards; above 0 a pair counts as learnt.
    """
    chosen = chosen_logp - ref_chosen_logp.detach()
    return chosen - (rejected_logp - ref_rejected_logp.detach())


def conservative_dpo_loss(
    margin: Float[Tensor, "B"], *, beta: float, flip: float
) -> Float[Tensor, "B"]:
    """DPO where a label is wrong with probability `flip`, per pair, to be minimised.

        L = -(1 - e) log sigmoid(beta h) - e log sigmoid(-beta h)

    Mitchell 2023, a note on DPO with noisy preferences. Lowest where sigmoid(beta h) = 1 - e, so
    that the margin does not grow without end. DPO where e = 0.

    Args:
        margin: h, of `reward_margin`.
        beta: as for DPO.
        flip: e, from 0 to below 1/2.
    """
    wrong = -functional.logsigmoid(-beta * margin)
    return -(1.0 - flip) * functional.logsigmoid(beta * margin) + flip * wrong


def robust_dpo_loss(margin: Float[Tensor, "B"], *, beta: float, flip: float) -> Float[Tensor, "B"]:
    """DPO of which the expectation over wrong labels is DPO on the true ones, per pair.

        L = [-(1 - e) log sigmoid(beta h) + e log sigmoid(-beta h)] / (1 - 2 e)

    Chowdhury et al. 2024 (arXiv:2403.00409, equation 12). May be negative. DPO where e = 0.

    Args:
        margin: h, of `reward_margin`.
        beta: as for DPO.
        flip: e, how often labels are wrong, from 0 to below 1/2.
    """
    wrong = -functional.logsigmoid(-beta * margin)
    right = -functional.logsigmoid(beta * margin)
    return ((1.0 - flip) * right - flip * wrong) / (1.0 - 2.0 * flip)


def ipo_loss(margin: Float[Tensor, "B"], *, tau: float) -> Float[Tensor, "B"]:
    """Identity preference optimisation, per pair, to be minimised.

        L = (h - 1 / (2 tau))^2

    Equation 17 of Azar et al. 2023 (arXiv:2310.12036). 1 / (4 tau^2) at the reference; the margin
    has a goal, so certain labels do not drive it to infinity.

    Args:
        margin: h; its authors confirmed that log-probabilities are means over the tokens of an
            answer, not sums (as in TRL).
        tau: how dear it is to leave the reference policy; TRL calls it beta.
    """
    return (margin - 1.0 / (2.0 * tau)).square()


def hinge_loss(margin: Float[Tensor, "B"], *, beta: float) -> Float[Tensor, "B"]:
    """The margin loss of SLiC-HF on DPO's implicit rewards, per pair, to be minimised.

        L = max(0, 1 - beta h)

    Liu et al. 2023 (arXiv:2309.06657, equation 12). 1 at the reference.

    Args:
        margin: h, of `reward_margin`.
        beta: inverse of the margin that is asked for.
    """
    return (1.0 - beta * margin).clamp(min=0.0)


def simpo_loss(
    chosen_logp: Float[Tensor, "B"],
    rejected_logp: Float[Tensor, "B"],
    *,
    beta: float,
    gamma: float,
) -> Float[Tensor, "B"]:
    """Simple preference optimisation, per pair, to be minimised. Without a reference.

        L = -log sigmoid(beta (logp(y_w) / |y_w| - logp(y_l) / |y_l|) - gamma)

    Equation 6 of Meng et al. 2024 (arXiv:2405.14734).

    Args:
        chosen_logp: **mean** log-probability of the tokens of y_w, in nats.
        rejected_logp: the same of y_l.
        beta: scale of the reward.
        gamma: margin that is asked for.
    """
    return -functional.logsigmoid(beta * (chosen_logp - rejected_logp) - gamma)


def odds_ratio_loss(
    chosen_logp: Float[Tensor, "B"], rejected_logp: Float[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """What ORPO adds to imitation, per pair, to be minimised. Without a reference.

        odds(y) = p / (1 - p),  p = exp(mean log-probability of the tokens of y)
        L = -log sigmoid(log odds(y_w) - log odds(y_l))

    Equation 7 of Hong et al. 2024 (arXiv:2403.07691). Log 2 where both are equally likely.

    Args:
        chosen_logp: **mean** log-probability of the tokens of y_w, in nats, below 0.
        rejected_logp: the same of y_l.
    """
    return -functional.logsigmoid(_log_odds(chosen_logp) - _log_odds(rejected_logp))


def kto_loss(
    log_ratio: Float[Tensor, "B"],
    is_desirable: Bool[Tensor, "B"],
    kl: Float[Tensor, ""],
    *,
    beta: float,
    desirable_weight: float,
    undesirable_weight: float,
) -> Float[Tensor, "B"]:
    """Kahneman-Tversky optimisation, per answer, to be minimised.

        L = w_D (1 - sigmoid(beta (rho - z)))    for a desirable answer
        L = w_U (1 - sigmoid(beta (z - rho)))    for an undesirable one

    Equation 8 of Ethayarajh et al. 2024 (arXiv:2402.01306). Half the weight at the reference.

    Args:
        log_ratio: rho = logp(y) - ref_logp(y), in nats, summed over the tokens.
        is_desirable: what people say of the answer.
        kl: z, an estimate of KL(policy || reference), not below 0. Constant: no gradient.
        beta: as for DPO.
        desirable_weight: w_D.
        undesirable_weight: w_U; w_D n_D / (w_U n_U) should lie between 1 and 4/3.
    """
    gain = beta * (log_ratio - kl.detach())
    desirable = desirable_weight * torch.sigmoid(-gain)
    return torch.where(is_desirable, desirable, undesirable_weight * torch.sigmoid(gain))


def _log_odds(logp: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """log(p / (1 - p)) without leaving logarithms."""
    return logp - torch.log(-torch.expm1(logp))
