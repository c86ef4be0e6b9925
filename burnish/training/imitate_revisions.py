"""Supervised fine-tuning on second attempts: what SCoRe's offline baselines train by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.models.policy import Policy
from burnish.training.learner import Learner, OptimizerConfig
from burnish.training.revisions import read_revisions
from burnish.training.seeds import batch_indices
from burnish.training.stage import Measure, StageRun, StepResult
from burnish.training.supervised import supervised_step
from burnish.training.workbench import Workbench

DevMeasure: TypeAlias = Callable[[Policy, Policy], Measure]
"""For a policy in training and the base model: what the policy is selected by."""


class ImitationConfig(Config):
    """Supervised fine-tuning on what was kept."""

    num_steps: int | None = Field(default=None, ge=1)
    """Updates, exactly; default: as many as `epochs` make."""
    epochs: float = Field(default=1.0, gt=0)
    """Passes over what was kept, where `num_steps` does not say how many updates."""
    batch_size: int = Field(default=64, ge=1)
    """Second attempts of one update; all of them where fewer were kept."""
    eval_every: int = Field(default=50, ge=1)
    """Updates between checkpoints to choose from; the last is always one."""
    hands_on: Literal["selected", "last"] = "selected"
    """Which model stands for the stage: selected (by dev accuracy of the last attempt) or last.
    Results report both."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=5e-6, schedule="constant", warmup_ratio=0.0
    )
    """AdamW; the same rate as SCoRe's."""

    def num_updates(self, num_rows: int) -> int:
        """Of a stage that learns from `num_rows` second attempts."""
        if self.num_steps is not None:
            return self.num_steps
        return max(1, round(self.epochs * num_rows / min(self.batch_size, num_rows)))


def imitate_revisions(
    run: StageRun,
    *,
    bench: Workbench,
    config: ImitationConfig,
    data: str,
    start: str | None,
    dev: DevMeasure,
) -> Iterator[StepResult]:
    """A stage: minimise L = -sum_t log pi(y2_t | x1, y1, p1, y2_<t) / number of tokens of y2.

    Args:
        data: the earlier stage that has kept the second attempts.
        start: the earlier stage whose model to start from; None is the recipe's own model.
        dev: what the model is selected by.
    """
    folder: Path | None = run.artifacts[start] if start else None
    policy = bench.load_policy(folder)
    base = bench.frozen_twin(policy) if folder is None else bench.load_policy()
    examples = [revision.example() for revision in read_revisions(run.artifacts[data])]
    learner = Learner({"policy": policy.network}, config.optimizer)
    batch_size = min(config.batch_size, len(examples))
    num_steps = config.num_updates(len(examples))
    for step in run.steps(
        num_steps,
        model=policy,
        state={"learner": learner},
        eval_every=config.eval_every,
        measure=dev(policy, base),
    ):
        rows = batch_indices(len(examples), step, batch_size=batch_size, seed=run.seed)
        batch = [examples[row] for row in rows]
        found = supervised_step(
            learner,
            policy,
            batch,
            num_steps=num_steps,
            max_tokens=bench.compute.max_tokens_per_batch,
        )
        num_tokens = sum(sum(example.is_action) for example in batch)
        yield StepResult({**found, "train/target_tokens": float(num_tokens)})
