"""What a stage maximises at each step: the same throughout, or with a weight that adapts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from burnish.methods.score.credit import Objective

_MAX_ERROR = 0.2


class Objectives(Protocol):
    """The objective of each step; may remember earlier steps, and is kept in checkpoints."""

    @property
    def current(self) -> Objective:
        """Of the step that comes."""
        ...

    def observe(self, kls: Sequence[float]) -> None:
        """What the attempts of a step just paid had as KL to the base model, on average each."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Constant:
    """One objective for all steps."""

    current: Objective

    def observe(self, kls: Sequence[float]) -> None:
        """Nothing follows from it."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing is remembered."""


class AdaptiveFirstKl:
    """A weight of the first attempt's KL that keeps that KL at a target.

        e = clip(KL_1 / target - 1, -0.2, 0.2)
        beta2 <- beta2 (1 + gain e)

    after every step, with KL_1 the mean over its samples: the proportional controller of Ziegler et
    al. 2019 (arXiv:1909.08593, section 2.2).
    """

    def __init__(
        self,
        objective_at: Callable[[float], Objective],
        *,
        start: float,
        target: float,
        gain: float,
    ) -> None:
        """`objective_at`: the objective for a beta2; `start`: the first one; `target` in nats."""
        self._objective_at = objective_at
        self._target = target
        self._gain = gain
        self.first_kl_coef = start

    @property
    def current(self) -> Objective:
        """As in Objectives."""
        return self._objective_at(self.first_kl_coef)

    def observe(self, kls: Sequence[float]) -> None:
        """As in Objectives."""
        error = min(max(kls[0] / self._target - 1.0, -_MAX_ERROR), _MAX_ERROR)
        self.first_kl_coef *= 1.0 + self._gain * error

    def state_dict(self) -> dict[str, Any]:
        """beta2."""
        return {"first_kl_coef": self.first_kl_coef}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """beta2."""
        self.first_kl_coef = state["first_kl_coef"]
