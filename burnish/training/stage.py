"""A method is a list of stages; a stage is a generator of step results.

Between two results the driver logs, evaluates on the dev split, checkpoints and honours a stop. A
stage keeps no state of its own between steps but what it hands to `StageRun.steps`, so it can be
continued from a checkpoint: everything else is a function of the seed and the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import torch

from burnish.errors import CheckpointError
from burnish.models.policy import Policy
from burnish.training.checkpoint import read_checkpoint, write_checkpoint
from burnish.training.seeds import derived_seed
from burnish.training.token_view import TokenView
from burnish.types import Trajectory

ModelChoice: TypeAlias = Literal["last", "selected"]


class Stateful(Protocol):
    """What a checkpoint can hold."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step tells the driver.

    Attributes:
        metrics: numbers by `area/name`.
        trajectories: graded samples of this step; some are kept for reading.
        token_views: a few samples with what each token was worth.
    """

    metrics: Mapping[str, float]
    trajectories: Sequence[Trajectory] = ()
    token_views: Sequence[TokenView] = ()


@dataclass(slots=True)
class Selection:
    """The best policy so far by dev accuracy. Ties keep the earlier one."""

    best: float | None = None
    best_step: int | None = None
    num_since_best: int = 0
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def consider(self, accuracy: float, step: int, policy: Policy) -> None:
        """Keep the policy's weights if they are the best seen."""
        if self.best is not None and accuracy <= self.best:
            self.num_since_best += 1
            return
        self.best, self.best_step, self.num_since_best = accuracy, step, 0
        self.weights = {k: v.detach().clone() for k, v in policy.network.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {
            "best": self.best,
            "best_step": self.best_step,
            "num_since_best": self.num_since_best,
            "weights": self.weights,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """From the checkpoint."""
        self.best, self.best_step = state["best"], state["best_step"]
        self.num_since_best, self.weights = state["num_since_best"], state["weights"]


class StageRun:
    """One stage's place in a run: its folder, its seed, its steps and what came before."""

    def __init__(self, name: str, folder: Path, *, seed: int, models: Mapping[str, Path]) -> None:
        """`models`: stage name -> folder of the model with which that stage ended."""
        self.name = name
        self.folder = folder
        self.seed = derived_seed(seed, name)
        self.models = models
        self.selection = Selection()
        self.policy: Policy | None = None
        self.num_done = 0
        self.num_steps = 0
        self.eval_every = 0
        self.damaged_checkpoints: list[str] = []
        self._state: dict[str, Stateful] = {}

    def steps(
        self, num_steps: int, *, policy: Policy, state: Mapping[str, Stateful], eval_every: int
    ) -> Iterator[int]:
        """Step numbers 0, 1, ... from where the last checkpoint stands.

        Args:
            num_steps: of the whole stage.
            policy: the policy in training; the driver evaluates and saves it.
            state: everything that changes from step to step, by a stable name; restored here.
            eval_every: steps between evaluations on the dev split.
        """
        self.policy, self.num_steps, self.eval_every = policy, num_steps, eval_every
        self._state = {**state, "selection": self.selection}
        self._restore()
        for step in range(self.num_done, num_steps):
            torch.manual_seed(derived_seed(self.seed, "torch", step))
            self.num_done = step + 1
            yield step

    def write_checkpoint(self) -> None:
        """Save all registered state as of the last step."""
        state = {name: item.state_dict() for name, item in self._state.items()}
        write_checkpoint(self.folder / "checkpoints", self.num_done, state)

    def _restore(self) -> None:
        found = read_checkpoint(self.folder / "checkpoints")
        if found is None:
            return
        self.num_done, state, self.damaged_checkpoints = found
        if state.keys() != self._state.keys():
            raise CheckpointError(
                f"{self.folder}: the checkpoint holds {sorted(state)}, this recipe needs "
                f"{sorted(self._state)}. Resume with the recipe that wrote it, or use a new --out."
            )
        for name, item in self._state.items():
            item.load_state_dict(state[name])


@dataclass(frozen=True, slots=True)
class Stage:
    """A named part of a method.

    Attributes:
        name: its key in results and folders.
        run: makes the generator of its steps.
        hands_on: which model stands for the stage, to later stages and in the results: the one of
            its last step, or the one with the best dev accuracy.
    """

    name: str
    run: Callable[[StageRun], Iterator[StepResult]]
    hands_on: ModelChoice = "selected"
