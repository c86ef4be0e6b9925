"""The stage that trains the value model, on the labels that the recipe names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import torch
from pydantic import Field

from burnish.data.step_rows import StepRowsConfig
from burnish.data.tasks.task import Split
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.training.monte_carlo import MonteCarloConfig, read_fingerprint, read_labels
from burnish.training.process_reward import FitConfig, StepMetrics, fit_values
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.step_tokens import written_steps
from burnish.training.workbench import Workbench
from burnish.types import StepLabels

AnyLabels: TypeAlias = Annotated[MonteCarloConfig | StepRowsConfig, Field(discriminator="type")]

VALUE_STAGE = "process_reward"
LABEL_STAGE = "labels"


def train_values(
    run: StageRun,
    *,
    bench: Workbench,
    config: FitConfig,
    data: AnyLabels,
    start: Path | None,
    metrics: StepMetrics,
) -> Iterator[StepResult]:
    """A stage: fit V to the labels, select by the first of the metrics of the dev labels.

    Args:
        data: where the labels come from.
        start: the model that gives the backbone; None is the recipe's.
        metrics: of the values on the dev split; a larger first one is better.
    """
    torch.manual_seed(derived_seed(run.seed, "adapter"))
    model = bench.start_process_reward(start, head=config.head)
    yield from fit_values(
        run,
        model,
        config=config,
        train=labelled_solutions(bench, model, data, "train", artifacts=run.artifacts),
        dev=labelled_solutions(bench, model, data, "dev", artifacts=run.artifacts),
        metrics=metrics,
        max_tokens=bench.compute.max_tokens_per_batch,
    )


def labelled_solutions(
    bench: Workbench,
    model: ProcessRewardModel,
    data: AnyLabels,
    split: Split,
    *,
    artifacts: Mapping[str, Path],
) -> list[StepLabels]:
    """The labelled solutions of a split in the tokens of `model`.

    Raises DataError for bad rows, and ModelError where the labels are of another tokenizer.
    """
    if isinstance(data, MonteCarloConfig):
        folder = artifacts[LABEL_STAGE]
        model.require_fingerprint(read_fingerprint(folder), owner="the policy that was sampled")
        return read_labels(folder, split, data.label)
    assert split != "test"
    renderer = bench.renderer(model)
    return [
        written_steps(
            row.problem, row.steps, row.values, renderer=renderer, tokenizer=model.tokenizer
        )
        for row in data.rows(split)
    ]
