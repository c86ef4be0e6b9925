"""What a stage maximises at each step: the same throughout, or with a weight that adapts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from burnish.methods.score.credit import Objective


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
