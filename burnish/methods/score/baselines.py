"""What an attempt's return is compared with. The paper does not say which baseline it uses.

Each attempt has its own: column k of all tensors here is attempt k.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from burnish.core.advantages import leave_one_out

BaselineName: TypeAlias = Literal["leave_one_out", "batch_mean", "moving_average"]


class Baseline(Protocol):
    """Turns returns into advantages; may remember earlier steps, and is kept in checkpoints."""

    def advantages(
        self,
        returns: Float[Tensor, "N K"],
        group: Int[Tensor, "N"],
        is_paid: Bool[Tensor, "N K"],
    ) -> Float[Tensor, "N K"]:
        """R_ik - b_ik.

        Args:
            returns: R.
            group: number of what each sample is compared with: the same problem, and first
                attempts that are all the policy's or all another model's.
            is_paid: False for attempts that another model has made; no mean counts them, and what
                is found for them is not used.
        """
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class LeaveOneOut:
    """The mean of the other samples of the same group."""

    def advantages(
        self,
        returns: Float[Tensor, "N K"],
        group: Int[Tensor, "N"],
        is_paid: Bool[Tensor, "N K"],
    ) -> Float[Tensor, "N K"]:
        """As in Baseline."""
        return torch.stack([leave_one_out(column, group) for column in returns.T], dim=1)

    def state_dict(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing is remembered."""


class BatchMean:
    """The mean of the whole batch, however hard the problem."""

    def advantages(
        self,
        returns: Float[Tensor, "N K"],
        group: Int[Tensor, "N"],
        is_paid: Bool[Tensor, "N K"],
    ) -> Float[Tensor, "N K"]:
        """As in Baseline."""
        return returns - _means(returns, is_paid)

    def state_dict(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing is remembered."""


class MovingAverage:
    """An exponential average of the means of earlier batches; of the first batch, its own mean.

    b <- b + rate (mean - b), after the batch has been compared with b.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._average: Tensor | None = None

    def advantages(
        self,
        returns: Float[Tensor, "N K"],
        group: Int[Tensor, "N"],
        is_paid: Bool[Tensor, "N K"],
    ) -> Float[Tensor, "N K"]:
        """As in Baseline."""
        mean = _means(returns, is_paid)
        before = mean if self._average is None else self._average.to(mean.device)
        after = before + self._rate * (mean - before)
        self._average = torch.where(is_paid.any(dim=0), after, before)
        return returns - before

    def state_dict(self) -> dict[str, Any]:
        """The average."""
        return {"average": self._average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The average."""
        self._average = state["average"]


def baseline_named(name: BaselineName, *, rate: float) -> Baseline:
    """The baseline a recipe names; `rate` is the moving average's."""
    match name:
        case "leave_one_out":
            return LeaveOneOut()
        case "batch_mean":
            return BatchMean()
        case "moving_average":
            return MovingAverage(rate)


def _means(returns: Float[Tensor, "N K"], is_paid: Bool[Tensor, "N K"]) -> Float[Tensor, "K"]:
    """Of each attempt, over the samples in which it is paid; 0 where it is in none."""
    sums = torch.where(is_paid, returns, 0.0).sum(dim=0)
    return sums / is_paid.sum(dim=0).clamp(min=1)
