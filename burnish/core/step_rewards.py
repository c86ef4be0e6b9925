"""Rewards of the steps of one solution, laid out over its actions. Constants all.

A step is worth V(s_k), the value of the solution so far. Either that is paid at its end, or what
it adds to the value before it; the sum of the former grows with the number of steps, the sum of
the latter only says where the solution began and where it ended.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def rewards_at_ends(
    rewards: Float[Tensor, "S"], ends: Int[Tensor, "S"], *, num_actions: int
) -> Float[Tensor, "A"]:
    """The reward of each step at the action that ends it, zero elsewhere.

    Args:
        ends: one past the last action of each step, ascending.
    """
    laid_out = rewards.new_zeros(num_actions)
    laid_out[ends - 1] = rewards
    return laid_out


def held_potential(
    start: float, values: Float[Tensor, "S"], ends: Int[Tensor, "S"], *, num_actions: int
) -> Float[Tensor, "N"]:
    """Phi of the states before the first action, after it, and so on: N = num_actions + 1.

    Within a step it stays what it was at the end of the step before.

    Args:
        start: Phi of the question, before any action.
        values: Phi at the end of each step.
        ends: one past the last action of each step, ascending.
    """
    num_ended = torch.bucketize(torch.arange(num_actions + 1, device=ends.device), ends, right=True)
    return torch.cat([values.new_tensor([start]), values])[num_ended]


def potential_differences(
    potential: Float[Tensor, "N"], *, discount: float
) -> Float[Tensor, "N-1"]:
    """The shaping reward of each action.

        F_t = discount Phi(s_{t+1}) - Phi(s_t)
        sum_t discount^t F_t = discount^A Phi(s_A) - Phi(s_0)

    Ng, Harada and Russell 1999: with Phi of the last state 0, what is gained by any solution of a
    question is the same -Phi(s_0), so the order of the policies stays what it was.
    """
    return discount * potential[1:] - potential[:-1]
