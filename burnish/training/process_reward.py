"""Fitting a process reward model to labelled steps: what every method with a value model shares.

L = 1/N sum over the N labelled steps of l(V(steps 1..k), v_k)

squared_error   l = (V - v)^2                          ReST-MCTS* (arXiv:2406.03816)
binary          l = -v log V - (1 - v) log(1 - V)      Math-Shepherd (arXiv:2312.08935)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from burnish.config import Config
from burnish.core.step_losses import step_binary_loss, step_squared_error
from burnish.errors import DataError
from burnish.models.batching import micro_batches
from burnish.models.process_reward_model import HeadKind, ProcessRewardModel
from burnish.models.step_batch import StepBatch, ValueReading, reading_of_steps
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.seeds import batch_indices
from burnish.training.stage import Measure, StageRun, StepResult
from burnish.training.step_values import StepJudge
from burnish.types import StepLabels

StepMetrics = Callable[[Sequence[Sequence[float]], Sequence[Sequence[float | None]]], Metrics]
"""From the values and the labels of some solutions to numbers, the first of which selects."""


class FitConfig(Config):
    """Epochs over labelled solutions; the defaults are ReST-MCTS*'s for Mistral 7B."""

    head: HeadKind = "hidden"
    """hidden: sigmoid of a line on the last state; vocabulary: the authors' line on the logits."""
    loss: Literal["squared_error", "binary"] = "squared_error"
    """squared_error: the authors'; binary: cross-entropy with the (soft) label, as Math-Shepherd;
    for head hidden only."""
    epochs: float = Field(default=2, gt=0)
    """Passes over the solutions."""
    batch_size: int = Field(default=24, ge=1)
    """Solutions of one update; the authors' 3 partial solutions on each of 8 GPUs."""
    eval_every: int | None = Field(default=None, ge=1)
    """Updates between evaluations on the dev solutions; default: once an epoch."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=3e-6)
    """AdamW."""

    @model_validator(mode="after")
    def _probabilities_where_logarithms_are(self) -> Self:
        if self.head == "vocabulary" and self.loss == "binary":
            raise ValueError(
                "loss: binary takes the logarithm of a probability, and the head vocabulary says "
                "any number; use loss: squared_error, or head: hidden"
            )
        return self


@dataclass(frozen=True, slots=True)
class _Row:
    """A solution with labels, ready to be batched; `labels` has one entry per column read."""

    reading: ValueReading
    problem_id: str
    labels: tuple[float, ...]

    @property
    def token_ids(self) -> tuple[int, ...]:
        return self.reading.token_ids

    @property
    def is_action(self) -> tuple[bool, ...]:
        return self.reading.is_action


def fit_values(
    run: StageRun,
    model: ProcessRewardModel,
    *,
    config: FitConfig,
    train: Sequence[StepLabels],
    dev: Sequence[StepLabels],
    metrics: StepMetrics,
    max_tokens: int,
) -> Iterator[StepResult]:
    """The steps of a stage: minimise L over `train`, select the model on `dev`.

    Args:
        model: where to start; it is changed.
        metrics: of the values on `dev`; a larger first one is better.
        max_tokens: size of a micro-batch; changes nothing but memory.

    Raises DataError where no step of either has a label, or a solution does not fit the model.
    """
    train = _usable(train, model, "train")
    learner = Learner({"process_reward": model.network}, config.optimizer)
    batch_size = min(config.batch_size, len(train))
    num_steps = max(1, round(config.epochs * len(train) / batch_size))
    for step in run.steps(
        num_steps,
        model=model,
        state={"learner": learner},
        eval_every=config.eval_every or math.ceil(len(train) / batch_size),
        measure=measure_of_values(model, dev, metrics, max_tokens=max_tokens),
    ):
        rows = batch_indices(len(train), step, batch_size=batch_size, seed=run.seed)
        yield StepResult(
            fit_step(
                learner,
                model,
                [train[row] for row in rows],
                loss=config.loss,
                num_steps=num_steps,
                max_tokens=max_tokens,
            )
        )


def fit_step(
    learner: Learner,
    model: ProcessRewardModel,
    solutions: Sequence[StepLabels],
    *,
    loss: Literal["squared_error", "binary"],
    num_steps: int,
    max_tokens: int,
) -> Metrics:
    """One update on a batch of solutions with labels, each labelled step counting the same.

    Args:
        loss: l above.
        num_steps: updates of the whole stage, for the schedule.
        max_tokens: size of a micro-batch; changes nothing but memory.
    """
    rows = [_row(solution, model.eos_id) for solution in solutions]
    num_labels = sum(len(row.labels) for row in rows)

    def micro_loss(part: Sequence[_Row]) -> tuple[Tensor, Metrics]:
        batch = StepBatch.collate([row.reading for row in part]).to(model.device)
        targets = torch.tensor([v for row in part for v in row.labels], device=model.device)
        scores = model.scores(batch)
        errors = step_squared_error(model.predictions(scores), targets)
        losses = errors if loss == "squared_error" else step_binary_loss(scores, targets)
        return losses.sum() / num_labels, {"train/mse": errors.sum().item() / num_labels}

    found = learner.forward_backward(
        micro_batches(rows, max_tokens=max_tokens),
        micro_loss,
        ids_of=lambda part: [row.problem_id for row in part],
    )
    found["train/loss"] = found.pop("loss")
    return found | learner.optim_step(num_steps=num_steps)


def _row(solution: StepLabels, eos_id: int) -> _Row:
    """Only the labelled steps are read."""
    whole = reading_of_steps(solution.tokens, eos_id=eos_id)
    read = [
        (column, value)
        for column, value in zip(whole.columns, solution.values, strict=True)
        if value is not None
    ]
    columns = tuple(column for column, _ in read)
    reading = ValueReading(whole.token_ids, whole.shared, columns)
    return _Row(reading, solution.tokens.problem_id, tuple(value for _, value in read))


def measure_of_values(
    model: ProcessRewardModel, dev: Sequence[StepLabels], metrics: StepMetrics, *, max_tokens: int
) -> Measure:
    """`metrics` on labelled solutions, by `dev/name`, of `model` as it stands when measured.

    Raises DataError where no step has a label, or a solution does not fit the model.
    """
    dev = _usable(dev, model, "dev")

    def measure() -> Metrics:
        judge = StepJudge(model, max_tokens=max_tokens)
        values = judge.step_values([solution.tokens for solution in dev])
        found = metrics(values, [solution.values for solution in dev])
        return {f"dev/{name}": number for name, number in found.items()}

    return measure


def _usable(
    solutions: Sequence[StepLabels], model: ProcessRewardModel, name: str
) -> list[StepLabels]:
    """Those with a labelled step. Raises DataError where there is none, or one is too long."""
    found = [s for s in solutions if any(value is not None for value in s.values)]
    if not found:
        raise DataError(
            f"the {name} solutions have not one labelled step, so there is nothing to "
            f"{'learn' if name == 'train' else 'select the model by'}. Label more problems."
        )
    for solution in found:
        size = len(solution.tokens.token_ids) + 1
        if model.max_context is not None and size > model.max_context:
            raise DataError(
                f"problem {solution.tokens.problem_id!r:.80}: its prompt and steps have {size} "
                f"tokens, past the model's context of {model.max_context}. Shorten or remove it."
            )
    return found
