"""Before a run: what its start model can learn from, and what the run will cost.

Time and memory are those of a few real steps of every stage, in a folder that is thrown away. A
stage that needs what an earlier one collects to its end cannot be tried this way, and is named.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from burnish.evaluation.dev_accuracy import measure_of_accuracy
from burnish.evaluation.evaluate import evaluate
from burnish.evaluation.forecast import Outlook, outlook
from burnish.methods.grpo.method import GroupMethodConfig
from burnish.methods.reft.method import ReftConfig
from burnish.methods.rest_em.method import RestEmConfig
from burnish.methods.self_training.method import SelfTrainingConfig
from burnish.methods.self_training.offline import OfflineConfig
from burnish.methods.self_training.online import OnlineConfig
from burnish.models.policy import Policy
from burnish.rollout.engine import SamplingParams
from burnish.run.recipe import MethodConfig, Recipe
from burnish.training.seeds import derived_seed, epoch_order
from burnish.training.stage import Stage, StageRun
from burnish.training.workbench import Workbench
from burnish.types import Json

SAMPLES_WITHOUT_A_METHOD = 8


@dataclass(frozen=True, slots=True)
class Rollouts:
    """How a method samples: answers to each problem of a step, and from which distribution."""

    group_size: int
    params: SamplingParams


@dataclass(frozen=True, slots=True)
class StageCost:
    """What one stage will take, from a few of its steps.

    Attributes:
        name: of the stage.
        num_steps: that it makes.
        step_s: seconds of its last measured step.
        num_evaluations: of its model on the dev split.
        evaluation_s: seconds of one; 0 where nothing is trained.
    """

    name: str
    num_steps: int
    step_s: float
    num_evaluations: int
    evaluation_s: float

    @property
    def seconds(self) -> float:
        """Of the whole stage."""
        return self.num_steps * self.step_s + self.num_evaluations * self.evaluation_s

    def as_json(self) -> dict[str, Json]:
        """For a file."""
        return {**asdict(self), "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class Costs:
    """What the stages will take.

    Attributes:
        stages: those that were tried.
        not_tried: names of those that need what an earlier stage collects.
        peak_bytes: memory at its highest, of the device that trains.
    """

    stages: Sequence[StageCost]
    not_tried: Sequence[str]
    peak_bytes: int

    def as_json(self) -> dict[str, Json]:
        """For a file."""
        return {
            "stages": [stage.as_json() for stage in self.stages],
            "not_tried": [*self.not_tried],
            "seconds": sum(stage.seconds for stage in self.stages),
            "peak_bytes": self.peak_bytes,
        }


def rollouts_of(method: MethodConfig, bench: Workbench) -> Rollouts:
    """How the method samples; at least two answers, so that there is something to compare."""
    whole = bench.sampling(temperature=1.0)
    match method:
        case ReftConfig():
            size, temperature = method.reinforce.samples_per_problem, method.reinforce.temperature
        case GroupMethodConfig():
            size, temperature = method.samples_per_problem, method.temperature
        case SelfTrainingConfig(sampled=OfflineConfig() as offline):
            return Rollouts(offline.sample.samples_per_problem, offline.sample.params(bench))
        case SelfTrainingConfig(sampled=OnlineConfig() as online):
            size, temperature = online.samples_per_problem, online.temperature
        case RestEmConfig():
            return Rollouts(method.sample.samples_per_problem, method.sample.params(bench))
        case _:
            size, temperature = SAMPLES_WITHOUT_A_METHOD, 1.0
    return Rollouts(max(2, size), replace(whole, temperature=temperature))


def start_outlook(
    recipe: Recipe, bench: Workbench, *, num_samples: int | None, num_problems: int
) -> Outlook:
    """Samples of the recipe's model for train problems in a random order.

    Args:
        num_samples: k, of each problem; None: as many as the method samples, but at least 8.
        num_problems: most that are asked; 0: all.
    """
    rollouts = rollouts_of(recipe.method, bench)
    k = max(num_samples or SAMPLES_WITHOUT_A_METHOD, rollouts.group_size)
    problems = bench.problems("train")
    order = epoch_order(len(problems), seed=derived_seed(recipe.seed, "forecast"), epoch=0)
    policy = bench.load_policy()
    renderer = bench.renderer(policy)
    asked = [problems[place] for place in order[: num_problems or None]]
    evaluation = evaluate(
        bench.engine(policy),
        bench.grader,
        [(problem, renderer.prompt_ids(problem)) for problem in asked],
        rollouts.params,
        num_samples=k,
        seed=derived_seed(recipe.seed, "forecast"),
        max_failure_share=bench.max_grader_failures,
    )
    return outlook(evaluation, group_size=rollouts.group_size)


def stage_costs(recipe: Recipe, bench: Workbench, folder: Path, *, num_tried: int) -> Costs:
    """Make `num_tried` steps of every stage that can be begun, in `folder`."""
    if bench.compute.torch_device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    stages = recipe.method.stages(bench)
    artifacts: dict[str, Path] = {}
    costs: list[StageCost] = []
    for stage in stages:
        run = StageRun(stage.name, folder / stage.name, seed=recipe.seed, artifacts=artifacts)
        costs.append(_tried(stage, run, bench, num_tried=num_tried))
        if run.model is None:
            break  # what comes next reads what this one has collected
        run.model.save(run.folder / "tried")
        artifacts[stage.name] = run.folder / "tried"
    return Costs(
        stages=costs,
        not_tried=[stage.name for stage in stages[len(costs) :]],
        peak_bytes=_peak_bytes(bench.compute.torch_device),
    )


def _tried(stage: Stage, run: StageRun, bench: Workbench, *, num_tried: int) -> StageCost:
    """The last of the tried steps counts: the first one also builds what the others use."""
    steps = stage.run(run)
    step_s = 0.0
    for _ in range(num_tried):
        start = time.monotonic()
        if next(steps, None) is None:
            break
        step_s = time.monotonic() - start
    num_evaluations, evaluation_s = 0, 0.0
    if run.model is not None:
        num_evaluations = -(-run.num_steps // max(1, run.eval_every))
        evaluation_s = _evaluation_seconds(run, bench)
    return StageCost(stage.name, run.num_steps, step_s, num_evaluations, evaluation_s)


def _evaluation_seconds(run: StageRun, bench: Workbench) -> float:
    start = time.monotonic()
    if run.measure is not None:
        run.measure()
    elif isinstance(run.model, Policy):
        measure_of_accuracy(bench, run.model)()
    return time.monotonic() - start


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
