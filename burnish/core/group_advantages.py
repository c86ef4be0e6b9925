"""Advantages of the samples of a group, and what credit each action has; all constants.

`advantages` has GRPO's (`group_normalised`) and RLOO's (`leave_one_out`). Here is what the other
critic-free methods put in their place. Groups may differ in size and stand in any order, but must
be given whole.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@torch.no_grad()
def group_centred(returns: Float[Tensor, "N"], group: Int[Tensor, "N"]) -> Float[Tensor, "N"]:
    """Dr. GRPO's advantage: A_i = R_i - mean_g(R).

    Liu et al. 2025 (arXiv:2503.20783): without GRPO's division by the group's deviation, a problem
    that is nearly always or nearly never solved weighs no more than others. It is GRPO's advantage
    times the deviation. A group of one has 0.

    Args:
        returns: one per sample.
        group: number of each sample's group, 0 <= g.
    """
    exact = returns.double()  # so that the deviations of equal returns are no rounding errors
    return (exact - _means(exact, group)[group]).to(returns.dtype)


@torch.no_grad()
def batch_scaled(
    returns: Float[Tensor, "N"], group: Int[Tensor, "N"], *, epsilon: float = 1e-4
) -> Float[Tensor, "N"]:
    """Lite PPO's advantage: A_i = (R_i - mean_g(R)) / (std(R) + epsilon).

    Liu et al. 2025 (arXiv:2508.08221): the group's mean, but the deviation of the whole batch, that
    of a sample (divided by N - 1) as in TRL. 0 where all returns are equal.
    """
    centred = group_centred(returns, group)
    squares = (returns.double() - returns.double().mean()).square().sum()
    std = (squares / max(1, len(returns) - 1)).sqrt()
    return (centred.double() / (std + epsilon)).to(returns.dtype)


@torch.no_grad()
def length_weighted(
    returns: Float[Tensor, "N"], group: Int[Tensor, "N"], lengths: Int[Tensor, "N"]
) -> Float[Tensor, "N"]:
    """OPO's advantage: A_i = R_i - sum_{j in g} n_j R_j / sum_{j in g} n_j.

    Hao et al. 2025 (arXiv:2505.23585): of all baselines the one with the smallest variance of the
    gradient, if the squared gradient of a sample grows with its length n.

    Args:
        lengths: n, actions of each sample, at least 1.
    """
    exact, weights = returns.double(), lengths.double()
    num_groups = int(group.max()) + 1 if len(group) else 0
    blank = exact.new_zeros(num_groups)
    sums = blank.index_add(0, group, exact * weights)
    totals = blank.index_add(0, group, weights)
    baselines = sums / totals.clamp(min=1)
    return (exact - baselines[group]).to(returns.dtype)


@torch.no_grad()
def returns_to_go(rewards: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """What every action still leads to, undiscounted: R_t = sum_{k >= t} r_k.

    REINFORCE's credit of an action (Williams 1992). With a terminal reward and a penalty of beta k1
    at each action it is REINFORCE++'s advantage before it is whitened (arXiv:2501.03262).

    Args:
        rewards: of each action; what stands off the mask is ignored.
        mask: True at actions.

    Returns:
        zero off the mask, without gradient.
    """
    paid = torch.where(mask, rewards, 0.0)
    return torch.where(mask, paid.flip(1).cumsum(1).flip(1), 0.0)


@torch.no_grad()
def soft_overlong_penalty(
    lengths: Int[Tensor, "N"], *, max_length: int, buffer: int
) -> Float[Tensor, "N"]:
    """DAPO's penalty of long samples, from 0 down to -1.

        P_i = 0                                  n_i <= max_length - buffer
        P_i = (max_length - buffer - n_i) / buffer    above, down to -1 at max_length

    Equation 13 of Yu et al. 2025 (arXiv:2503.14476). A sample that is cut at the limit has -1.

    Args:
        lengths: n, actions of each sample.
        max_length: the token limit of a completion.
        buffer: tokens below it over which the penalty grows; at least 1.
    """
    return ((max_length - buffer - lengths) / buffer).clamp(-1.0, 0.0)


def _means(values: Float[Tensor, "N"], group: Int[Tensor, "N"]) -> Float[Tensor, "P"]:
    sizes = torch.bincount(group).to(values.dtype)
    return torch.zeros_like(sizes).index_add(0, group, values) / sizes.clamp(min=1)
