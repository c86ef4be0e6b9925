"""The critic of PPO: how good is the state before each action?

Source: `AutoModelForCausalLMWithValueHead` of trl@0.7.2, which ReFT uses: one linear layer on the
last hidden state, randomly initialised. Its dropout is left out, because ReFT trains in evaluation
mode, where it does nothing. Where hidden states are large (Gemma's norms multiply them by about
ten), random means values several times the largest reward; zero is the other way to start.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch

HeadStart: TypeAlias = Literal["random", "zero"]


class Critic(Protocol):
    """Predicts values; owns the parameters that only it uses."""

    @property
    def module(self) -> nn.Module:
        """The critic's own parameters."""
        ...

    def values(
        self, batch: TokenBatch, policy_hidden: Float[Tensor, "B L D"]
    ) -> Float[Tensor, "B T"]:
        """Column t: value of the state in which action t (token t + 1) is chosen."""
        ...


class SharedCritic:
    """A linear head on the policy's own hidden states: value and policy share the backbone."""

    def __init__(self, policy: Policy, *, head_start: HeadStart = "random") -> None:
        self.module: nn.Module = _head(policy, head_start)

    def values(
        self, batch: TokenBatch, policy_hidden: Float[Tensor, "B L D"]
    ) -> Float[Tensor, "B T"]:
        """As in Critic. Gradients reach the policy's backbone."""
        return self.module(policy_hidden[:, :-1].float()).squeeze(-1)


class SeparateCritic:
    """A network of its own, started as a copy of the policy."""

    def __init__(self, network: Policy, *, head_start: HeadStart = "random") -> None:
        self._network = network
        self._head = _head(network, head_start)
        self.module: nn.Module = nn.ModuleDict({"network": network.network, "head": self._head})

    def values(
        self, batch: TokenBatch, policy_hidden: Float[Tensor, "B L D"]
    ) -> Float[Tensor, "B T"]:
        """As in Critic; the policy's hidden states are not read."""
        hidden = self._network.hidden_states(batch)
        return self._head(hidden[:, :-1].float()).squeeze(-1)


def _head(policy: Policy, start: HeadStart) -> nn.Linear:
    head = nn.Linear(policy.hidden_size, 1, dtype=torch.float32, device=policy.device)
    if start == "zero":
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    return head
