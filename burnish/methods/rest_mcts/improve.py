"""One iteration of ReST-MCTS*: search, and what policy and value model learn from the trees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from pydantic import Field

from burnish.config import Config
from burnish.data.tasks.task import Split
from burnish.errors import DataError
from burnish.evaluation.dev_accuracy import measure_of_accuracy
from burnish.evaluation.step_metrics import step_metrics
from burnish.models.policy import Policy
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.training.process_reward import FitConfig, fit_values, measure_of_values
from burnish.training.roll_back import rolled_back
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate_examples
from burnish.training.tree_data import TreeDataConfig, collect_trees, read_tree_data
from burnish.training.tree_labels import TraceFilter, imitated_traces, inferred_labels
from burnish.training.tree_search import TreeSearchConfig, TreeSearcher
from burnish.training.tree_verdicts import PromptOf
from burnish.training.workbench import Workbench
from burnish.types import StepLabels


@dataclass(frozen=True, slots=True)
class Models:
    """Earlier stages by name: whose policy (None: the recipe's model) and whose value model (None:
    there is none yet)."""

    policy: str | None
    value: str | None


class ImproveConfig(Config):
    """What is learnt from the trees of one search, and when it is undone."""

    traces: TraceFilter = TraceFilter()
    """Which solutions the policy imitates; the paper: those that are right."""
    policy: SupervisedConfig = SupervisedConfig(epochs=2)
    """The policy's training on them."""
    value: FitConfig = FitConfig()
    """The value model's training on the values of all verified steps."""
    tolerance: float = Field(default=0.0, ge=0)
    """How far dev accuracy (of the value model: the explained variance of the new dev labels) may
    fall below that of the start before the start is handed on in its place."""


def search(
    run: StageRun,
    *,
    bench: Workbench,
    config: TreeDataConfig,
    steps: TreeSearchConfig,
    start: Models,
) -> Iterator[StepResult]:
    """A stage that trains nothing: D_Gi, verified trees of train and dev questions."""
    policy = _policy(run, bench, start)
    value = None if start.value is None else bench.load_process_reward(run.artifacts[start.value])
    searcher = TreeSearcher(bench, policy, value, steps, clock=time.monotonic)
    yield from collect_trees(run, config.grower(searcher, bench), config, bench=bench)


def train_policy(
    run: StageRun, *, bench: Workbench, config: ImproveConfig, trees: str, start: Models
) -> Iterator[StepResult]:
    """A stage: pi_i imitates solutions of the search `trees`, from pi_{i-1}.

    Raises DataError where no solution passes the filter.
    """
    policy = _policy(run, bench, start)
    eos_id = policy.tokenizer.eos_token_id
    assert isinstance(eos_id, int)
    traces = imitated_traces(
        read_tree_data(run.artifacts[trees], "train"),
        config.traces,
        prompt_of=_prompts(bench, policy),
        eos_id=eos_id,
    )
    if not traces:
        raise DataError(
            f"{trees}: not one solution of the train questions is right and passes the filter "
            "`traces`, so there is nothing to imitate. Search longer, take easier questions, or "
            "filter less."
        )
    measure = measure_of_accuracy(bench, policy)
    updates = imitate_examples(
        run,
        policy,
        traces,
        config=config.policy,
        max_tokens=bench.compute.max_tokens_per_batch,
        measure=measure,
    )
    yield from rolled_back(run, updates, start=policy, measure=measure, tolerance=config.tolerance)


def train_value(
    run: StageRun,
    *,
    bench: Workbench,
    config: FitConfig,
    trees: str,
    start: Models,
    tolerance: float = 0.0,
) -> Iterator[StepResult]:
    """A stage: V_i learns the values of `trees`, from V_{i-1}; V_0 from the policy's backbone.

    Args:
        tolerance: of rolling back to V_{i-1}.
    """
    torch.manual_seed(derived_seed(run.seed, "adapter"))
    name = start.value or start.policy
    model = bench.start_process_reward(run.artifacts[name] if name else None, head=config.head)
    train, dev = (_labels(run, bench, model, trees, split) for split in ("train", "dev"))
    max_tokens = bench.compute.max_tokens_per_batch
    updates = fit_values(
        run,
        model,
        config=config,
        train=train,
        dev=dev,
        metrics=step_metrics,
        max_tokens=max_tokens,
    )
    if start.value is None:
        yield from updates
        return
    measure = measure_of_values(model, dev, step_metrics, max_tokens=max_tokens)
    yield from rolled_back(run, updates, start=model, measure=measure, tolerance=tolerance)


def _policy(run: StageRun, bench: Workbench, start: Models) -> Policy:
    return bench.load_policy(run.artifacts[start.policy] if start.policy else None)


def _labels(
    run: StageRun, bench: Workbench, model: ProcessRewardModel, trees: str, split: Split
) -> list[StepLabels]:
    found = read_tree_data(run.artifacts[trees], split)
    return inferred_labels(found, prompt_of=_prompts(bench, model))


def _prompts(bench: Workbench, model: Policy | ProcessRewardModel) -> PromptOf:
    renderer = bench.renderer(model)
    problems = {
        problem.id: problem for split in ("train", "dev") for problem in bench.problems(split)
    }
    return lambda tree: renderer.prompt_ids(problems[tree.tree_id])
