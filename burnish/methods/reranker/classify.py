"""Training the reranker: a classifier of right and wrong samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.reward_losses import two_class_loss
from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Split
from burnish.errors import DataError
from burnish.evaluation.classification import area_under_curve, judged_right
from burnish.methods.reranker.judging import correct_probabilities, judged_example
from burnish.methods.reranker.samples import read_samples
from burnish.models.batching import micro_batches
from burnish.models.outcome_verifier import OutcomeVerifier
from burnish.models.token_batch import TokenBatch
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Example


class ClassifyConfig(Config):
    """Epochs over the samples; the defaults are the ReFT code's."""

    epochs: float = Field(default=3, gt=0)
    """Passes over the distinct samples."""
    batch_size: int = Field(default=24, ge=1)
    """Samples of one update: 24 in the authors' code (3 on each of 8 GPUs); the paper says 48."""
    eval_every: int | None = Field(default=None, ge=1)
    """Updates between evaluations on the dev samples; default: once an epoch."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=1e-6)
    """AdamW."""


@dataclass(frozen=True, slots=True)
class LabelledExample:
    """Tokens to be judged, with the verdict to be learnt."""

    example: Example
    is_correct: bool

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Of prompt and completion."""
        return self.example.token_ids

    @property
    def is_action(self) -> tuple[bool, ...]:
        """As in the example."""
        return self.example.is_action


def train_verifier(
    run: StageRun, *, bench: Workbench, config: ClassifyConfig, start: Path | None
) -> Iterator[StepResult]:
    """A stage: minimise -log P(label | problem, sample) on the collected samples.

    Args:
        start: the model that gives the backbone; None is the recipe's.
    """
    torch.manual_seed(derived_seed(run.seed, "head"))
    verifier = bench.start_verifier(start)
    renderer = bench.renderer(verifier)
    examples = _labelled(bench, renderer, run.artifacts["samples"], "train")
    _check_both_classes(examples, run.artifacts["samples"])
    dev = _labelled(bench, renderer, run.artifacts["samples"], "dev")
    learner = Learner({"verifier": verifier.network}, config.optimizer)
    batch_size = min(config.batch_size, len(examples))
    num_steps = max(1, round(config.epochs * len(examples) / batch_size))
    for step in run.steps(
        num_steps,
        model=verifier,
        state={"learner": learner},
        eval_every=config.eval_every or math.ceil(len(examples) / batch_size),
        measure=partial(_dev_metrics, verifier, dev, max_tokens=bench.compute.max_tokens_per_batch),
    ):
        rows = batch_indices(len(examples), step, batch_size=batch_size, seed=run.seed)
        yield StepResult(
            classify_step(
                learner,
                verifier,
                [examples[row] for row in rows],
                num_steps=num_steps,
                max_tokens=bench.compute.max_tokens_per_batch,
            )
        )


def classify_step(
    learner: Learner,
    verifier: OutcomeVerifier,
    examples: Sequence[LabelledExample],
    *,
    num_steps: int,
    max_tokens: int,
) -> Metrics:
    """One update: L = -sum_i log P(label_i) / B.

    Args:
        num_steps: updates of the whole stage, for the schedule.
        max_tokens: size of a micro-batch; changes nothing but memory.
    """

    def loss(rows: Sequence[LabelledExample]) -> tuple[Tensor, Metrics]:
        logits = verifier.logits(TokenBatch.collate(rows).to(verifier.device))
        labels = torch.tensor([row.is_correct for row in rows], device=verifier.device)
        hits = (logits.argmax(dim=1) == labels.long()).sum().item()
        loss = two_class_loss(logits, labels).sum() / len(examples)
        return loss, {"train/judged_right": hits / len(examples)}

    found = learner.forward_backward(
        micro_batches(examples, max_tokens=max_tokens),
        loss,
        ids_of=lambda rows: [row.example.problem_id for row in rows],
    )
    found["train/loss"] = found.pop("loss")
    return found | learner.optim_step(num_steps=num_steps)


def _dev_metrics(
    verifier: OutcomeVerifier, dev: Sequence[LabelledExample], *, max_tokens: int
) -> Metrics:
    """AUC, by which the reranker is selected, and the share it puts on the right side of 1/2."""
    labels = [row.is_correct for row in dev]
    values = correct_probabilities(verifier, [row.example for row in dev], max_tokens=max_tokens)
    return {
        "dev/auc": area_under_curve(values, labels),
        "dev/judged_right": judged_right(values, labels),
    }


def _labelled(
    bench: Workbench, renderer: Renderer, folder: Path, split: Split
) -> list[LabelledExample]:
    problems = {problem.id: problem for problem in bench.problems(split)}
    return [
        LabelledExample(
            judged_example(renderer, problems[s.problem_id], s.text, s.stop_reason), s.is_correct
        )
        for s in read_samples(folder, split)
    ]


def _check_both_classes(examples: Sequence[LabelledExample], folder: Path) -> None:
    if len({row.is_correct for row in examples}) == 2:
        return
    what = "correct" if examples and examples[0].is_correct else "wrong"
    raise DataError(
        f"{folder}/train.jsonl: all {len(examples)} distinct samples are {what}, so there is "
        "nothing to tell apart. Sample from a policy that is sometimes right and sometimes wrong "
        "(method.policy), or more often (method.samples.num_samples)."
    )
