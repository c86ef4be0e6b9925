"""Comparisons by people and by judges in one reward model, with weights, and who said what.

    L = sum over rows of w_source l(row) / sum over rows of w_source

(Bai et al. 2022, arXiv:2212.08073, section 4: a preference model of AI labels for harmlessness and
of human labels for helpfulness.) Every row keeps its source and weight, in `comparisons.jsonl`
beside the model; `sources.json` counts them, and adds up their weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.data.feedback.kinds import FeedbackSplit, FeedbackTask
from burnish.data.splitting import divide
from burnish.errors import ConfigError
from burnish.models.answer_reader import AnswerReader
from burnish.training.reward_model import FitConfig, RowMetrics, fit_rewards
from burnish.training.reward_model_comparisons import ComparisonsConfig
from burnish.training.row_files import write_rows
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Preference

ROWS_FILE, SOURCES_FILE = "comparisons.jsonl", "sources.json"
_SOURCES = TypeAdapter(dict[str, dict[str, float]])


class PreferenceMixConfig(Config):
    """Whose comparisons a reward model learns from, and how much each counts."""

    judge_weight: float = Field(default=1.0, gt=0)
    """Of a comparison by the judge."""
    human_weight: float = Field(default=1.0, gt=0)
    """Of one of the task's comparisons, which people made."""
    human_labels: int | None = Field(default=0, ge=0)
    """Train comparisons of the task that are mixed in, from the first; null: all; 0: none, and none
    to select the model by."""
    dev_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the problems whose comparisons by the judge the model is selected by."""
    feedback: ComparisonsConfig = ComparisonsConfig()
    """How they are learnt."""
    fit: FitConfig = FitConfig()
    """The training."""


@dataclass(frozen=True, slots=True)
class MixedRow:
    """A comparison as it is written down: what is learnt, from whom, and how much it counts."""

    split: Literal["train", "dev"]
    problem_id: str
    chosen: str
    rejected: str
    probability: float
    source: str
    weight: float


_ROW = TypeAdapter(MixedRow)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Comparisons to learn from and to select by; each knows its source and its weight."""

    train: Sequence[Preference]
    dev: Sequence[Preference]

    def rows(self) -> list[MixedRow]:
        """All of them, to be written down."""
        return [*_written("train", self.train), *_written("dev", self.dev)]


def mixed_preferences(
    judged: Sequence[Preference], bench: Workbench, config: PreferenceMixConfig
) -> Mixed:
    """The judge's comparisons, weighted, and behind them those of the task.

    Raises ConfigError where the task has none and some are wanted.
    """
    problems = list({p.problem.id: p.problem for p in judged}.values())
    dev_ids = {p.id for p in divide(problems, "dev", dev_share=config.dev_share)}
    ours = [replace(p, weight=p.weight * config.judge_weight) for p in judged]
    train = [p for p in ours if p.problem.id not in dev_ids]
    dev = [p for p in ours if p.problem.id in dev_ids]
    if config.human_labels == 0:
        return Mixed(train, dev)
    people = _of_people(bench, config, "train")[: config.human_labels]
    return Mixed([*train, *people], [*dev, *_of_people(bench, config, "dev")])


def fit_mixed(
    run: StageRun,
    *,
    bench: Workbench,
    mixed: Mixed,
    config: PreferenceMixConfig,
    start: Path | None,
    metrics: RowMetrics,
) -> Iterator[StepResult]:
    """A stage: fit a reward model to the comparisons; leaves what they are and who made them.

    Args:
        start: the model that gives the backbone; None is the recipe's.
        metrics: how well the model agrees with the dev comparisons.
    """
    torch.manual_seed(derived_seed(run.seed, "head"))
    objective = config.feedback.objective()
    model = bench.start_reward_model(start, objective.head(), head_start=config.fit.head_start)
    reader = AnswerReader(bench.renderer(model), model)
    sources = sources_of(mixed.train)
    write_rows(run.folder / ROWS_FILE, mixed.rows(), _ROW)
    write_rows(run.folder / SOURCES_FILE, [sources], _SOURCES)
    yield from fit_rewards(
        run,
        model,
        objective,
        config=config.fit,
        train=objective.rows(mixed.train, reader),
        dev=objective.rows(mixed.dev, reader),
        metrics=metrics,
        max_tokens=bench.compute.max_tokens_per_batch,
        first_metrics={f"data/rows_by_{name}": found["rows"] for name, found in sources.items()},
    )


def sources_of(preferences: Sequence[Preference]) -> dict[str, dict[str, float]]:
    """By source: how many comparisons, and their weights added up."""
    counts = Counter(p.source for p in preferences)
    return {
        name: {
            "rows": float(count),
            "weight": sum(p.weight for p in preferences if p.source == name),
        }
        for name, count in counts.items()
    }


def _written(split: Literal["train", "dev"], rows: Sequence[Preference]) -> list[MixedRow]:
    return [
        MixedRow(split, p.problem.id, p.chosen, p.rejected, p.probability, p.source, p.weight)
        for p in rows
    ]


def _of_people(
    bench: Workbench, config: PreferenceMixConfig, split: FeedbackSplit
) -> list[Preference]:
    task = bench.task
    if not isinstance(task, FeedbackTask):
        raise ConfigError(
            f"human_labels: {config.human_labels}, but the task of this recipe has no comparisons."
            " Use task.type: feedback_rows or replies, or set human_labels to 0."
        )
    rows = task.feedback("comparisons", split).rows
    return [
        replace(row, weight=row.weight * config.human_weight)
        for row in rows
        if isinstance(row, Preference)
    ]
