"""The first steps of every stage, in a folder that is thrown away: cost, and what is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from burnish.data.feedback.kinds import FeedbackKind, FeedbackSet, FeedbackSplit, FeedbackTask
from burnish.data.tasks.task import AnswerKind, Split, Task
from burnish.run.doctor.check import Check, Finding, judged
from burnish.run.forecast import Costs, stage_costs
from burnish.run.recipe import Recipe
from burnish.training.workbench import Workbench
from burnish.types import Problem

COST = "there is memory for the run"
HELD_OUT = "training and selection read no test row"


class WatchedTask:
    """The same task, which remembers of which splits it was asked."""

    def __init__(self, task: Task) -> None:
        self._watched = task
        self.splits_read: set[str] = set()

    @property
    def answer_kind(self) -> AnswerKind:
        """As in `Task`."""
        return self._watched.answer_kind

    def problems(self, split: Split) -> list[Problem]:
        """As in `Task`."""
        self.splits_read.add(split)
        return self._watched.problems(split)

    def prompt(self, problem: Problem) -> str:
        """As in `Task`."""
        return self._watched.prompt(problem)

    def opening(self, problem: Problem) -> str:
        """As in `Task`."""
        return self._watched.opening(problem)

    def target(self, problem: Problem) -> str:
        """As in `Task`."""
        return self._watched.target(problem)

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """As in `Task`."""
        return self._watched.traits(problem, text)


class WatchedFeedbackTask(WatchedTask):
    """The same for a task that has feedback."""

    def __init__(self, task: Task, source: FeedbackTask) -> None:
        """`source`: the same task."""
        super().__init__(task)
        self._source = source

    def feedback(self, kind: FeedbackKind, split: FeedbackSplit) -> FeedbackSet:
        """As in `FeedbackTask`."""
        self.splits_read.add(split)
        return self._source.feedback(kind, split)

    def num_grades(self) -> int:
        """As in `FeedbackTask`."""
        return self._source.num_grades()

    def gold(self, problem: Problem, text: str) -> Mapping[str, float] | None:
        """As in `FeedbackTask`."""
        return self._source.gold(problem, text)


def watched(task: Task) -> WatchedTask:
    """A task that remembers."""
    return WatchedFeedbackTask(task, task) if isinstance(task, FeedbackTask) else WatchedTask(task)


def tried(recipe: Recipe, bench: Workbench, folder: Path, *, num_tried: int) -> list[Check]:
    """What `num_tried` steps and one evaluation of each stage cost and read."""
    task = watched(bench.task)
    seen = replace(bench, task=task)
    if bench.model.trim_vocabulary:
        seen.load_policy()  # every text must survive the trimming; no weight is fitted to them
        task.splits_read.clear()
    costs = stage_costs(recipe, seen, folder, num_tried=num_tried)
    return [check_cost(costs, bench.compute.torch_device), check_held_out(task.splits_read, costs)]


def check_held_out(splits_read: set[str], costs: Costs) -> Check:
    """Neither steps nor the measure that models are selected by have read test rows."""
    strayed = sorted(splits_read - {"train", "dev"})
    names = ", ".join(stage.name for stage in costs.stages)
    later = f"; not tried: {', '.join(costs.not_tried)}" if costs.not_tried else ""
    if not strayed:
        return judged(HELD_OUT, None, seen=f"{names} read {sorted(splits_read)}{later}")
    found = Finding(
        f"{names} read rows of {' and '.join(strayed)} while training or selecting: the numbers on "
        "them would be too good",
        "Select by the dev split; test is read once, at the end.",
    )
    return judged(HELD_OUT, found, seen="", stops_training=True)


def check_cost(costs: Costs, device: torch.device) -> Check:
    """The memory at its highest is well below what the machine has; minutes are an estimate."""
    available = _memory_bytes(device)
    minutes = sum(stage.seconds for stage in costs.stages) / 60
    numbers = {
        "minutes": minutes,
        "peak GiB": costs.peak_bytes / 2**30,
        "available GiB": available / 2**30,
    }
    later = f", without {', '.join(costs.not_tried)}" if costs.not_tried else ""
    seen = f"about {minutes:.1f} minutes{later}, {numbers['peak GiB']:.1f} GiB at most"
    if costs.peak_bytes <= 0.9 * available:
        return judged(COST, None, seen=seen, numbers=numbers)
    found = Finding(
        f"{seen}, of {numbers['available GiB']:.1f} GiB: the run would be stopped by the system",
        "Lower compute.max_tokens_per_batch and compute.max_concurrent, or set model.lora.",
    )
    return judged(COST, found, seen="", numbers=numbers)


def _memory_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
