"""Fitting a reward model to judged answers: what every kind of feedback shares.

    L = sum over rows of w l(scores, label) / sum over rows of w n

with w the weight of a row and n the numbers in its label. l is the objective's. All answers of a
row are read in one batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.errors import DataError
from burnish.models.reward_model import HeadStart, RewardModel
from burnish.models.token_batch import TokenBatch
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.reward_model_rows import JudgedRow, Objective
from burnish.training.seeds import batch_indices
from burnish.training.stage import StageRun, StepResult

Rows = Sequence[JudgedRow[Any]]
RowScores = Sequence[Sequence[Sequence[float]]]
"""Of each row, of each of its answers, the K numbers of the head."""
RowMetrics = Callable[[RewardModel, Rows, RowScores], Metrics]
"""Numbers about how well scores agree with labels."""


class FitConfig(Config):
    """Epochs over judged answers; one, because a second one overfits (arXiv:2203.02155)."""

    epochs: float = Field(default=1, gt=0)
    """Passes over the rows."""
    batch_size: int = Field(default=64, ge=1)
    """Rows of one update: comparisons, rankings or rated answers; InstructGPT's 64."""
    head_start: HeadStart = "random"
    """random: deviation 1 / sqrt(D + 1); zero: the loss starts at log 2 exactly."""
    eval_every: int | None = Field(default=None, ge=1)
    """Updates between evaluations on the dev rows; default: once an epoch."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=9e-6)
    """AdamW; the rate is InstructGPT's for its 6B reward model."""


def fit_rewards(
    run: StageRun,
    model: RewardModel,
    objective: Objective[Any],
    *,
    config: FitConfig,
    train: Rows,
    dev: Rows,
    metrics: RowMetrics,
    max_tokens: int,
    first_metrics: Metrics,
) -> Iterator[StepResult]:
    """Steps of a stage: fit the model to `train`, select it by its fit to `dev` (-L).

    Args:
        metrics: further numbers on dev.
        max_tokens: size of a micro-batch; changes nothing but memory and speed.
        first_metrics: logged with the first step, such as counts of rows.

    Raises DataError where there is nothing to learn or to select by.
    """
    for rows, name in ((train, "train"), (dev, "dev")):
        if not rows:
            raise DataError(
                f"there is no {name} feedback of the kind {objective.kind}; check the files, the "
                "sizes of the task, and how many rows were skipped."
            )
    learner = Learner({"reward_model": model.network}, config.optimizer)
    batch_size = min(config.batch_size, len(train))
    num_steps = max(1, round(config.epochs * len(train) / batch_size))
    for step in run.steps(
        num_steps,
        model=model,
        state={"learner": learner},
        eval_every=config.eval_every or math.ceil(len(train) / batch_size),
        measure=partial(_dev_metrics, model, objective, dev, metrics, max_tokens),
    ):
        places = batch_indices(len(train), step, batch_size=batch_size, seed=run.seed)
        rows = [train[place] for place in places]
        found = fit_step(
            learner, model, objective, rows, num_steps=num_steps, max_tokens=max_tokens
        )
        yield StepResult(found | (first_metrics if step == 0 else {}))


def fit_step(
    learner: Learner,
    model: RewardModel,
    objective: Objective[Any],
    rows: Rows,
    *,
    num_steps: int,
    max_tokens: int,
) -> Metrics:
    """One update on a batch of rows.

    Args:
        num_steps: updates of the whole stage, for the schedule.
        max_tokens: size of a micro-batch; changes nothing but memory.
    """
    total = sum(row.weight * row.size for row in rows)

    def micro_loss(part: Rows) -> tuple[Tensor, Metrics]:
        scores = answer_scores(model, part)
        losses = objective.losses(model, scores, part)
        return (losses * _weights(part, model)).sum() / total, {}

    found = learner.forward_backward(
        row_batches(rows, max_tokens=max_tokens),
        micro_loss,
        ids_of=lambda part: [row.problem_id for row in part],
    )
    found["train/loss"] = found.pop("loss")
    return found | learner.optim_step(num_steps=num_steps)


def answer_scores(model: RewardModel, rows: Rows) -> Tensor:
    """[N, K]: of all answers of the first row, then all of the second, and so on."""
    answers = [answer for row in rows for answer in row.answers]
    return model.scores(TokenBatch.collate(answers).to(model.device))


@torch.no_grad()
def row_scores(model: RewardModel, rows: Rows, *, max_tokens: int) -> list[list[list[float]]]:
    """The scores of every row's answers, in the order of `rows`."""
    found: dict[int, list[list[float]]] = {}
    place_of = {id(row): place for place, row in enumerate(rows)}
    for part in row_batches(rows, max_tokens=max_tokens):
        scores = iter(answer_scores(model, part).tolist())
        for row in part:
            found[place_of[id(row)]] = [next(scores) for _ in row.answers]
    return [found[place] for place in range(len(rows))]


def row_batches(rows: Rows, *, max_tokens: int) -> list[list[JudgedRow[Any]]]:
    """Batches of whole rows, of about one length, the longest first.

    None has more than `max_tokens` tokens, padding included; a row that is longer stands alone.
    """
    batches: list[list[JudgedRow[Any]]] = []
    width = num_answers = 0
    for row in sorted(rows, key=_longest, reverse=True):
        if not batches or (num_answers + len(row.answers)) * width > max_tokens:
            batches.append([])
            width, num_answers = _longest(row), 0
        batches[-1].append(row)
        num_answers += len(row.answers)
    return batches


def _longest(row: JudgedRow[Any]) -> int:
    return max(len(answer.token_ids) for answer in row.answers)


def _weights(rows: Rows, model: RewardModel) -> Tensor:
    return torch.tensor([row.weight for row in rows], device=model.device)


@torch.no_grad()
def _dev_metrics(
    model: RewardModel,
    objective: Objective[Any],
    dev: Rows,
    metrics: RowMetrics,
    max_tokens: int,
) -> Metrics:
    scores = row_scores(model, dev, max_tokens=max_tokens)
    flat = torch.tensor([answer for row in scores for answer in row], device=model.device)
    losses = objective.losses(model, flat, dev) * _weights(dev, model)
    fit = -losses.sum().item() / sum(row.weight * row.size for row in dev)
    found = {"fit": fit} | metrics(model, dev, scores)
    return {f"dev/{name}": number for name, number in found.items()}
