"""Losses of models that value every step of a solution: one value per step, to be minimised."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def step_squared_error(
    predictions: Float[Tensor, "N"], targets: Float[Tensor, "N"]
) -> Float[Tensor, "N"]:
    """ReST-MCTS*'s value loss (arXiv:2406.03816): L = (V - v)^2.

    Args:
        predictions: V, what the model says of N partial solutions.
        targets: v, from 0 to 1. Constant: no gradient.
    """
    return (predictions - targets.detach()).square()


def step_binary_loss(logits: Float[Tensor, "N"], targets: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
    """Math-Shepherd's loss (arXiv:2312.08935), for hard and soft labels, V = sigmoid(logit).

        L = -v log V - (1 - v) log(1 - V)

    Log 2 at logit 0 for every label; at its least the entropy of the label, which is 0 for a hard
    one.

    Args:
        logits: of N partial solutions.
        targets: v, from 0 to 1. Constant: no gradient.
    """
    return functional.binary_cross_entropy_with_logits(logits, targets.detach(), reduction="none")
