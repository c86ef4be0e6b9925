"""What multiplies the gradient: estimated advantages, per action or per sample. Constants all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from burnish.core.masking import masked_mean, masked_variance


@torch.no_grad()
def gae(
    rewards: Float[Tensor, "B T"],
    values: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    discount: float,
    gae_lambda: float,
) -> tuple[Float[Tensor, "B T"], Float[Tensor, "B T"]]:
    """Advantages and returns of every action.

        delta_k = r_k + discount V(s_{k+1}) - V(s_k)
        A_k     = delta_k + discount gae_lambda A_{k+1}
        R_k     = A_k + V(s_k)

    Equations 11 to 16 of Schulman et al. 2015 (arXiv:1506.02438). k counts the actions of a row:
    positions off the mask (a prompt, a later user turn, padding) are skipped, so the next state of
    a turn's last action is that of the next turn's first. V and A after the last action are 0.

    Args:
        rewards: reward of each action; what stands off the mask is ignored.
        values: values[:, t] = V(s_t), of the state *before* action t is taken.
        mask: True at actions.
        discount: gamma of the papers, per action.
        gae_lambda: lambda of the papers; 1 is Monte Carlo, 0 is one step.

    Returns:
        advantages and returns, zero off the mask, without gradient.
    """
    next_value = torch.zeros_like(values[:, 0])
    next_advantage = torch.zeros_like(next_value)
    advantages = torch.zeros_like(values)
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + discount * next_value - values[:, t]
        advantage = delta + discount * gae_lambda * next_advantage
        next_advantage = torch.where(mask[:, t], advantage, next_advantage)
        next_value = torch.where(mask[:, t], values[:, t], next_value)
        advantages[:, t] = torch.where(mask[:, t], advantage, 0.0)
    return advantages, torch.where(mask, advantages + values, 0.0)


@torch.no_grad()
def group_normalised(
    rewards: Float[Tensor, "N"], group: Int[Tensor, "N"], *, epsilon: float = 1e-6
) -> Float[Tensor, "N"]:
    """GRPO's advantage: a sample against the other samples of its problem.

        A_i = (r_i - mean_g) / (std_g + epsilon)

    over the samples i of group g. Equation 1 of Shao et al. 2024 (arXiv:2402.03300, outcome
    supervision), which leaves the kind of deviation and epsilon open: std_g is that of a sample
    (divided by n_g - 1), as in TRL and verl; verl's epsilon is 1e-6, TRL's 1e-4. In a group of one,
    or of equal rewards, nothing is better than anything: all advantages are 0.

    Args:
        rewards: one per sample; give the whole batch, a group must not be cut.
        group: number of each sample's group, 0 <= g. Groups may differ in size and stand in any
            order.

    Returns:
        one advantage per sample, without gradient; it holds for each of the sample's actions.
    """
    exact = rewards.double()  # so that the deviations of equal rewards are no rounding errors
    sizes = torch.bincount(group).double()
    means = torch.zeros_like(sizes).index_add_(0, group, exact) / sizes.clamp(min=1)
    deviations = exact - means[group]
    squares = torch.zeros_like(sizes).index_add_(0, group, deviations.square())
    std = (squares / (sizes - 1).clamp(min=1)).sqrt()
    return (deviations / (std[group] + epsilon)).to(rewards.dtype)


@torch.no_grad()
def leave_one_out(returns: Float[Tensor, "N"], group: Int[Tensor, "N"]) -> Float[Tensor, "N"]:
    """RLOO's advantage: a sample's return less the mean of the other samples of its problem.

        A_i = R_i - sum_{j in g, j != i} R_j / (n_g - 1)

    As in Ahmadian et al. 2024 (arXiv:2402.14740). The baseline does not depend on the sample
    itself, so the gradient stays unbiased. It is n_g / (n_g - 1) times the deviation from the
    group's mean. A group of one has nothing to be compared with: 0.

    Args:
        returns: one per sample; give the whole batch, a group must not be cut.
        group: number of each sample's group, 0 <= g, in any order.

    Returns:
        one advantage per sample, without gradient; it holds for each of the sample's actions.
    """
    exact = returns.double()
    sizes = torch.bincount(group).double()
    sums = torch.zeros_like(sizes).index_add_(0, group, exact)
    others = (sums[group] - exact) / (sizes[group] - 1).clamp(min=1)
    return torch.where(sizes[group] > 1, exact - others, 0.0).to(returns.dtype)


@torch.no_grad()
def whiten(
    values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"], *, epsilon: float = 1e-8
) -> Float[Tensor, "B T"]:
    """Shift to mean 0 and scale to variance 1 over the mask: (x - mean) / sqrt(var + epsilon).

    The variance is the population's (divided by the count), as in ReFT's released code
    (arXiv:2401.08967), over all entries given: pass the global batch, not a micro-batch.

    Returns:
        whitened values, zero off the mask, without gradient.
    """
    mean, variance = masked_mean(values, mask), masked_variance(values, mask)
    return torch.where(mask, (values - mean) * torch.rsqrt(variance + epsilon), 0.0)


@torch.no_grad()
def whiten_batches(
    values: Sequence[Float[Tensor, "_ _"]], masks: Sequence[Bool[Tensor, "_ _"]]
) -> list[Float[Tensor, "_ _"]]:
    """`whiten` over all actions of all micro-batches together.

    Args:
        values, masks: one [B, T] of each for a micro-batch; B and T differ between them.
    """
    flat = torch.cat([value[mask] for value, mask in zip(values, masks, strict=True)])
    white = whiten(flat[None], torch.ones_like(flat, dtype=torch.bool)[None])[0]
    parts = white.split([int(mask.sum()) for mask in masks])
    return [
        torch.zeros_like(value).masked_scatter(mask, part)
        for value, mask, part in zip(values, masks, parts, strict=True)
    ]
