"""How much the KL from the reference costs: a fixed weight, or one that is steered to a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.core.kl_control import adapted_kl_coef


class KlController(Protocol):
    """Knows the weight of the penalty; a part of the checkpoint."""

    coef: float

    def heed(self, kl: float) -> None:
        """Change the weight by the KL of the step just done, in nats a sequence."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class FixedKlConfig(Config):
    """The same weight all along."""

    type: Literal["fixed"] = "fixed"
    """fixed"""
    coef: float = Field(default=0.05, ge=0)
    """beta: weight of the k1 penalty in the reward, in units of reward a nat; InstructGPT: 0.02,
    RLAIF: 0.05."""

    def controller(self) -> KlController:
        """As the stage begins."""
        return _Fixed(self.coef)


class AdaptiveKlConfig(Config):
    """A weight that is raised while the KL is above a target, and lowered while it is below."""

    type: Literal["adaptive"] = "adaptive"
    """adaptive"""
    coef: float = Field(default=0.2, gt=0)
    """beta at first; Ziegler et al.: 0.1 to 0.2."""
    target: float = Field(default=6.0, gt=0)
    """Wanted KL in nats a sequence; Ziegler et al.: 6 to 10."""
    gain: float = Field(default=0.1, gt=0)
    """K_beta: by which share of the (clipped) relative error the weight changes in a step."""

    def controller(self) -> KlController:
        """As the stage begins."""
        return _Adaptive(self)


KlConfig: TypeAlias = Annotated[FixedKlConfig | AdaptiveKlConfig, Field(discriminator="type")]


class _Fixed:
    def __init__(self, coef: float) -> None:
        self.coef = coef

    def heed(self, kl: float) -> None:
        del kl

    def state_dict(self) -> dict[str, Any]:
        return {"coef": self.coef}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.coef = state["coef"]


class _Adaptive(_Fixed):
    def __init__(self, config: AdaptiveKlConfig) -> None:
        super().__init__(config.coef)
        self._config = config

    def heed(self, kl: float) -> None:
        self.coef = adapted_kl_coef(
            self.coef, kl, target=self._config.target, gain=self._config.gain
        )
