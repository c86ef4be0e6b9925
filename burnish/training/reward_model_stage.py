"""The stage that trains the reward model on what people said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import torch
from pydantic import Field

from burnish.data.feedback.kinds import Feedback, FeedbackSet, FeedbackSplit, FeedbackTask
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_head import RewardHead
from burnish.training.comment_reading import CommentsConfig, opinions
from burnish.training.learner import Metrics
from burnish.training.reward_model import FitConfig, RowMetrics, fit_rewards
from burnish.training.reward_model_attributes import (
    Attributes,
    AttributesConfig,
    GateConfig,
    attributes_of,
)
from burnish.training.reward_model_comparisons import Comparisons, ComparisonsConfig
from burnish.training.reward_model_ratings import Ratings, RatingsConfig
from burnish.training.reward_model_rows import Objective
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench

FeedbackConfig: TypeAlias = Annotated[
    ComparisonsConfig | RatingsConfig | AttributesConfig | CommentsConfig,
    Field(discriminator="type"),
]

FIT_STAGE = "reward_model"
"""The name of a reward model that has none of its own."""


def comments_stage(name: str = FIT_STAGE) -> str:
    """The stage that has the comments read which the reward model of a name learns from."""
    return "comments" if name == FIT_STAGE else f"{name}_comments"


def gate_stage(name: str = FIT_STAGE) -> str:
    """The stage that trains the gate on its attributes."""
    return "gate" if name == FIT_STAGE else f"{name}_gate"


def train_rewards(
    run: StageRun,
    *,
    bench: Workbench,
    task: FeedbackTask,
    feedback: FeedbackConfig,
    num_labels: int | None,
    config: FitConfig,
    start: Path | None,
    metrics: RowMetrics,
    name: str = FIT_STAGE,
) -> Iterator[StepResult]:
    """A stage: fit the model to the train feedback, select it by its fit to the dev feedback.

    Args:
        task: the recipe's, which has the feedback.
        num_labels: train rows that are used, from the first; None: all.
        start: the model that gives the backbone; None is the recipe's.
        metrics: how well the model agrees with the dev feedback.
        name: of the reward model, by which its comments are found.
    """
    torch.manual_seed(derived_seed(run.seed, "head"))
    judged = run.artifacts.get(comments_stage(name))
    train = feedback_of(task, feedback, "train", judged)
    used = train.rows[:num_labels]
    objective = objective_of(feedback, used, task)
    model = bench.start_reward_model(start, objective.head(), head_start=config.head_start)
    reader = AnswerReader(bench.renderer(model), model)
    dev = feedback_of(task, feedback, "dev", judged)
    yield from fit_rewards(
        run,
        model,
        objective,
        config=config,
        train=objective.rows(used, reader),
        dev=objective.rows(dev.rows, reader),
        metrics=metrics,
        max_tokens=bench.compute.max_tokens_per_batch,
        first_metrics=_counts(train, len(used), dev),
    )


def train_gate(
    run: StageRun,
    *,
    bench: Workbench,
    task: FeedbackTask,
    gate: GateConfig,
    num_labels: int | None,
    metrics: RowMetrics,
    name: str = FIT_STAGE,
) -> Iterator[StepResult]:
    """A stage: fit a gate on the attributes of the stage before to the task's comparisons.

    Args:
        num_labels: comparisons that are used, from the first; None: all.
        metrics: how well the model agrees with the dev comparisons.
        name: of the reward model that has the attributes.
    """
    torch.manual_seed(derived_seed(run.seed, "gate"))
    objective = Comparisons(ComparisonsConfig())
    model = bench.start_reward_gate(run.artifacts[name], hidden=gate.hidden)
    reader = AnswerReader(bench.renderer(model), model)
    train, dev = (task.feedback("comparisons", split) for split in ("train", "dev"))
    used = train.rows[:num_labels]
    yield from fit_rewards(
        run,
        model,
        objective,
        config=gate.fit,
        train=objective.rows(used, reader),
        dev=objective.rows(dev.rows, reader),
        metrics=metrics,
        max_tokens=bench.compute.max_tokens_per_batch,
        first_metrics=_counts(train, len(used), dev),
    )


def feedback_of(
    task: FeedbackTask, feedback: FeedbackConfig, split: FeedbackSplit, judged: Path | None
) -> FeedbackSet:
    """What is learnt from: the task's own, or what a judge made of the task's comments.

    `judged`: the folder of the stage that had comments read.
    """
    if not isinstance(feedback, CommentsConfig):
        return task.feedback(feedback.type, split)
    assert judged is not None
    return opinions(judged, task, split, min_confidence=feedback.min_confidence)


def objective_of(
    feedback: FeedbackConfig, train: Sequence[Feedback], task: FeedbackTask
) -> Objective[Any]:
    """How a kind of feedback is learnt; what depends on labels is read off the training rows."""
    match feedback:
        case ComparisonsConfig():
            return feedback.objective()
        case RatingsConfig():
            return feedback.objective(train, num_grades=task.num_grades())
        case AttributesConfig():
            return feedback.objective(train)
        case CommentsConfig():
            return replace(attributes_of(train), kind="comments")


def objective_of_head(feedback: FeedbackConfig, head: RewardHead) -> Objective[Any]:
    """The same for a model that is trained, to read other feedback as it read its own."""
    match feedback:
        case ComparisonsConfig():
            return feedback.objective()
        case RatingsConfig():
            return Ratings(feedback, len(head.thresholds) + 1, {})
        case AttributesConfig() | CommentsConfig():
            return Attributes(head.outputs, head.means, head.deviations, head.kind)


def _counts(train: FeedbackSet, num_used: int, dev: FeedbackSet) -> Metrics:
    """Rows, and those that were skipped by fault."""
    found = {"data/train_rows": float(num_used), "data/dev_rows": float(len(dev.rows))}
    for name, rows in (("train", train), ("dev", dev)):
        found |= {f"data/{name}_skipped_{k}": float(n) for k, n in rows.skipped.items()}
    return found
