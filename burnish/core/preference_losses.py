"""Losses over pairs of a chosen and a rejected answer, one value per pair, to be minimised."""

from __future__ import annotations

from jaxtyping import Float
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
