"""Supervised fine-tuning: imitate the annotated rows. ReFT's warm-up and its baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.masking import token_mean
from burnish.errors import DataError
from burnish.models.batching import micro_batches
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.seeds import batch_indices
from burnish.training.stage import Measure, StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Example


class SupervisedConfig(Config):
    """Epochs over the annotated rows; the defaults are the ReFT paper's for 7B models."""

    epochs: float = Field(default=40, gt=0)
    """Passes over the training rows."""
    batch_size: int = Field(default=48, ge=1)
    """Rows of one update."""
    eval_every: int | None = Field(default=None, ge=1)
    """Updates between evaluations on the dev split; default: once an epoch."""
    patience: int | None = Field(default=None, ge=1)
    """Stop when dev accuracy has not risen for so many evaluations; default: never."""
    optimizer: OptimizerConfig = OptimizerConfig()
    """AdamW."""


def imitate(
    run: StageRun, *, bench: Workbench, config: SupervisedConfig, start: str | None = None
) -> Iterator[StepResult]:
    """A stage: minimise L_SFT = -E sum_t log pi(a_t | s_t) on the train split.

    Args:
        start: the earlier stage whose model to start from; None is the recipe's own model.
    """
    policy = bench.load_policy(run.artifacts[start] if start else None)
    renderer = bench.renderer(policy)
    examples = [renderer.example(problem) for problem in bench.problems("train")]
    yield from imitate_examples(
        run, policy, examples, config=config, max_tokens=bench.compute.max_tokens_per_batch
    )


def imitate_written(
    run: StageRun, *, bench: Workbench, config: SupervisedConfig
) -> Iterator[StepResult]:
    """A stage: imitate the task's written answers; on dev, how likely the written ones are."""
    policy = bench.load_policy()
    renderer, max_tokens = bench.renderer(policy), bench.compute.max_tokens_per_batch
    dev = [renderer.example(p) for p in bench.dev_problems() if p.rationale is not None]
    yield from imitate_examples(
        run,
        policy,
        [renderer.example(problem) for problem in bench.problems("train")],
        config=config,
        max_tokens=max_tokens,
        measure=measure_of_imitation(policy, dev, max_tokens=max_tokens) if dev else None,
    )


def imitate_examples(
    run: StageRun,
    policy: Policy,
    examples: Sequence[Example],
    *,
    config: SupervisedConfig,
    max_tokens: int,
    measure: Measure | None = None,
) -> Iterator[StepResult]:
    """The steps of a stage: minimise L_SFT over `examples`, select the policy on the dev split.

    Args:
        policy: where to start; it is changed.
        max_tokens: size of a micro-batch; changes nothing but memory.
        measure: what the policy is selected by; default: greedy accuracy.

    Raises DataError for an example that does not fit the model.
    """
    _require_room(examples, policy)
    learner = Learner({"policy": policy.network}, config.optimizer)
    batch_size = min(config.batch_size, len(examples))
    epoch = math.ceil(len(examples) / batch_size)
    num_steps = max(1, round(config.epochs * len(examples) / batch_size))
    for step in run.steps(
        num_steps,
        model=policy,
        state={"learner": learner},
        eval_every=config.eval_every or epoch,
        measure=measure,
        patience=config.patience,
    ):
        rows = batch_indices(len(examples), step, batch_size=batch_size, seed=run.seed)
        yield StepResult(
            supervised_step(
                learner,
                policy,
                [examples[row] for row in rows],
                num_steps=num_steps,
                max_tokens=max_tokens,
            )
        )


def _require_room(examples: Sequence[Example], policy: Policy) -> None:
    """Some models fail past their context, others learn nonsense in silence. Raises DataError."""
    for example in examples:
        size = len(example.token_ids)
        if policy.max_context is not None and size > policy.max_context:
            raise DataError(
                f"problem {example.problem_id!r}: its prompt and target have {size} tokens, past "
                f"the model's context of {policy.max_context}. Shorten or remove the row."
            )


def supervised_step(
    learner: Learner,
    policy: Policy,
    examples: Sequence[Example],
    *,
    num_steps: int,
    max_tokens: int,
) -> Metrics:
    """One update on a batch of examples: L = -sum log pi(target token) / number of target tokens.

    Args:
        num_steps: updates of the whole stage, for the schedule.
        max_tokens: size of a micro-batch; changes nothing but memory.
    """
    found = imitation_gradients(learner, policy, examples, max_tokens=max_tokens)
    return {**found, **learner.optim_step(num_steps=num_steps)}


def imitation_gradients(
    learner: Learner,
    policy: Policy,
    examples: Sequence[Example],
    *,
    max_tokens: int,
    coef: float = 1.0,
) -> Metrics:
    """Add the gradients of coef L, L as in `supervised_step`, to those that are there.

    Returns:
        L without `coef`, and the entropy, both a token.
    """
    num_tokens = sum(sum(example.is_action) for example in examples)

    def loss(rows: Sequence[Example]) -> tuple[Tensor, Metrics]:
        batch = TokenBatch.collate(rows).to(policy.device)
        logp, entropy = policy.action_logps(policy.hidden_states(batch), batch)
        mean_entropy = token_mean(entropy, batch.action_mask, num_tokens=num_tokens)
        nll = token_mean(-logp, batch.action_mask, num_tokens=num_tokens)
        return coef * nll, {"nll": nll.item(), "entropy": mean_entropy.item()}

    found = learner.forward_backward(
        micro_batches(examples, max_tokens=max_tokens),
        loss,
        ids_of=lambda rows: [row.problem_id for row in rows],
    )
    return {"train/loss": found["nll"], "train/entropy": found["entropy"]}


def measure_of_imitation(
    policy: Policy, examples: Sequence[Example], *, max_tokens: int
) -> Measure:
    """`dev/logp`: mean log-probability of a target token, where nobody can grade answers.

    Args:
        examples: rows that are not trained on.
        max_tokens: size of a micro-batch; changes nothing but memory.
    """
    num_tokens = sum(sum(example.is_action) for example in examples)

    @torch.no_grad()
    def measure() -> Metrics:
        total = 0.0
        for rows in micro_batches(examples, max_tokens=max_tokens):
            batch = TokenBatch.collate(rows).to(policy.device)
            logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
            total += logp.sum().item()
        return {"dev/logp": total / num_tokens}

    return measure
