"""One reward out of several attributes, their weights a function of the prompt.

    R = s sum_k softmax(g(prompt))_k r_k,    g a layer of H units on the state at the prompt's end

ArmoRM (arXiv:2406.12845): attributes first, then, with everything else frozen, the gate and the
scale s from comparisons. At the start all attributes weigh the same and s is 1. Where we differ:
attributes are not freed from their correlation with length first.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from burnish.core.reward_losses import mixture

_ONE = 0.5413
"""softplus of it is 1."""


class PromptGate(nn.Module):
    """g and s."""

    def __init__(self, width: int, num_attributes: int, *, hidden: int) -> None:
        """`width`: D of the state; `hidden`: H. The random layer is drawn by torch's generator."""
        super().__init__()
        self.inner = nn.Linear(width, hidden, dtype=torch.float32)
        self.outer = nn.Linear(hidden, num_attributes, dtype=torch.float32)
        self.scale = nn.Parameter(torch.tensor(_ONE))
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def logits(self, states: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """What the softmax is taken of."""
        return self.outer(functional.silu(self.inner(states)))

    def forward(
        self, states: Float[Tensor, "B D"], scores: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B 1"]:
        """R of each answer, from the state of its prompt and its attributes."""
        mixed = mixture(scores, self.logits(states))
        return functional.softplus(self.scale) * mixed[:, None]
