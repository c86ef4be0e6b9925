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
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from burnish.errors import CheckpointError
from burnish.models.trained_state import trained_state
from burnish.training.checkpoint import read_checkpoint, write_checkpoint
from burnish.training.seeds import derived_seed
from burnish.training.token_view import TokenView
from burnish.types import Trajectory

ModelChoice: TypeAlias = Literal["last", "selected", "rewarded"]
"""A model of a stage: of its last step, the best on dev, or the best by training reward."""
Measure: TypeAlias = Callable[[], Mapping[str, float]]
"""Numbers on the dev split by `dev/name`; the first is what a model is selected by."""


class Stateful(Protocol):
    """What a checkpoint can hold."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Trained(Protocol):
    """What a stage trains: a policy, or a model that judges."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def save(self, folder: Path) -> None:
        """Write it in the Hugging Face layout."""
        ...


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
    """The best model so far by its number on the dev split. Ties keep the earlier one."""

    best: float | None = None
    best_step: int | None = None
    num_since_best: int = 0
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def consider(self, value: float, step: int, model: Trained) -> None:
        """Keep the model's weights if they are the best seen."""
        if self.best is not None and value <= self.best:
            self.num_since_best += 1
            return
        self.best, self.best_step, self.num_since_best = value, step, 0
        self.weights = {k: v.detach().clone() for k, v in trained_state(model.network).items()}

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

    def __init__(
        self, name: str, folder: Path, *, seed: int, artifacts: Mapping[str, Path]
    ) -> None:
        """`artifacts`: earlier stage's name -> folder of the model (or data) it ended with."""
        self.name = name
        self.folder = folder
        self.seed = derived_seed(seed, name)
        self.artifacts = artifacts
        self.selection = Selection()
        self.rewarded: Selection | None = None
        # set by a stage that also chooses by training reward; it keeps this in its own state
        self.model: Trained | None = None
        self.measure: Measure | None = None
        self.num_done = 0
        self.num_steps = 0
        self.eval_every = 0
        self.damaged_checkpoints: list[str] = []
        self._state: dict[str, Stateful] = {}

    def steps(
        self,
        num_steps: int,
        *,
        model: Trained | None,
        state: Mapping[str, Stateful],
        eval_every: int,
        measure: Measure | None = None,
        patience: int | None = None,
    ) -> Iterator[int]:
        """Step numbers 0, 1, ... from where the last checkpoint stands.

        Args:
            num_steps: of the whole stage.
            model: what is in training; the driver measures and saves it. None: nothing is.
            state: everything that changes from step to step, by a stable name; restored here.
            eval_every: steps between evaluations on the dev split.
            measure: what the model is selected by; default: greedy accuracy of a policy.
            patience: evaluations without a new best after which the stage ends; None: never.
        """
        self.model, self.measure = model, measure
        self.num_steps, self.eval_every = num_steps, eval_every
        self._state = {**state, "selection": self.selection}
        self._restore()
        for step in range(self.num_done, num_steps):
            if patience is not None and self.selection.num_since_best >= patience:
                return
            torch.manual_seed(derived_seed(self.seed, "torch", step))
            self.num_done = step + 1
            yield step

    @property
    def is_evaluation_due(self) -> bool:
        """Whether the model is to be measured after the step just done."""
        is_last = self.num_done == self.num_steps
        return self.model is not None and (is_last or self.num_done % self.eval_every == 0)

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
            its last step, the best one on the dev split, or by training reward (where the stage
            chooses one); None where it trains none: then its folder itself is handed on.
        trains: what it trains, if anything; only policies are asked the test problems.
    """

    name: str
    run: Callable[[StageRun], Iterator[StepResult]]
    hands_on: ModelChoice | None = "selected"
    trains: Literal["policy", "value_model"] = "policy"
