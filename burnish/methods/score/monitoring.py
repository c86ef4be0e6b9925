"""What a stage of SCoRe tells about the samples it learns from, and its choice by their reward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from burnish.evaluation.self_correction import Attempt, transition_of
from burnish.training.attempts import is_own
from burnish.training.learner import Metrics
from burnish.training.stage import Selection, Trained
from burnish.types import Trajectory, Turn


def attempt_metrics(trajectories: Sequence[Trajectory]) -> Metrics:
    """Means over samples, by attempt and from each attempt to the next.

    Samples that begin with an attempt of the base model are told apart: `base_first/...`.
    """
    own = [sample.turns for sample in trajectories if is_own(sample, sample.turns[0])]
    given = [sample.turns for sample in trajectories if not is_own(sample, sample.turns[0])]
    metrics = _chain_metrics(own) if own else {}
    for number, turns in enumerate(zip(*given, strict=True), start=1):
        metrics[f"base_first/accuracy_t{number}"] = fmean(turn.score.is_correct for turn in turns)
    return metrics


def _chain_metrics(chains: Sequence[Sequence[Turn]]) -> Metrics:
    metrics: Metrics = {}
    for number, turns in enumerate(zip(*chains, strict=True), start=1):
        metrics[f"rollout/accuracy_t{number}"] = fmean(turn.score.is_correct for turn in turns)
        metrics[f"rollout/truncated_t{number}"] = fmean(turn.is_truncated for turn in turns)
        metrics[f"rollout/length_t{number}"] = fmean(turn.stop - turn.start for turn in turns)
    for after in range(1, len(chains[0])):
        pairs = [(_attempt(chain[after - 1]), _attempt(chain[after])) for chain in chains]
        found = transition_of(pairs)
        name = f"t{after}-t{after + 1}"
        metrics[f"correction/fixed_{name}"] = found.fixed / found.num
        metrics[f"correction/broken_{name}"] = found.broken / found.num
        metrics[f"correction/answer_change_{name}"] = found.changed / found.num
        metrics[f"correction/edit_ratio_{name}"] = found.edit_ratio
    return metrics


def _attempt(turn: Turn) -> Attempt:
    return Attempt(turn.text, turn.score.answer, turn.score.is_correct)


@dataclass(slots=True)
class TrainingReward:
    """The paper's choice of a checkpoint: the highest training reward.

    That of a checkpoint is the mean over the steps since the one before; a single step's says more
    about its problems than about the model.

    Attributes:
        selection: the model chosen so far.
        total, num: sum and number of the rewards since the last checkpoint.
    """

    selection: Selection = field(default_factory=Selection)
    total: float = 0.0
    num: int = 0

    def add(self, reward: float) -> None:
        """One step's mean reward."""
        self.total += reward
        self.num += 1

    def consider(self, step: int, model: Trained) -> None:
        """A checkpoint: keep the model if its reward is the highest, and begin anew."""
        if self.num:
            self.selection.consider(self.total / self.num, step, model)
        self.total, self.num = 0.0, 0

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        state = {"selection": self.selection.state_dict()}
        return {**state, "total": self.total, "num": self.num}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """From the checkpoint."""
        self.selection.load_state_dict(state["selection"])
        self.total, self.num = state["total"], state["num"]
