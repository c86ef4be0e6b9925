"""Online self-training: at every step imitate the policy's own answers that are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.models.policy import Policy
from burnish.training.collection import Collector
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.samples import sample_of
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import imitation_gradients
from burnish.training.workbench import Workbench
from burnish.types import Example


class OnlineConfig(Config):
    """Online-ST of the ReFT paper: ReFT's rollouts, without negative samples, critic or KL."""

    type: Literal["online"] = "online"
    """Sample, imitate, sample again."""
    epochs: float = Field(default=300, gt=0)
    """Passes over the training questions."""
    num_steps: int | None = Field(default=None, ge=1)
    """Steps; overrides `epochs`."""
    batch_size: int = Field(default=32, ge=1)
    """Questions of one step."""
    samples_per_problem: int = Field(default=1, ge=1)
    """Completions sampled for each question of a step; the paper's code samples one."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts."""
    num_epochs: int = Field(default=2, ge=1)
    """U: updates on each batch."""
    annotated_weight: float = Field(default=0.5, ge=0, le=1)
    """Weight of the loss on the questions' annotated answers; that of the samples is the rest."""
    eval_every: int = Field(default=20, ge=1)
    """Steps between evaluations on the dev split."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=3e-7, schedule="constant", warmup_ratio=0.0
    )
    """AdamW, constant rate, no warm-up."""

    def stages(self, bench: Workbench, *, start: str | None) -> list[Stage]:
        """self_training, from the model of `start` (None: the recipe's)."""
        learn = partial(imitate_own_answers, bench=bench, config=self, start=start)
        return [Stage("self_training", learn)]


def imitate_own_answers(
    run: StageRun, *, bench: Workbench, config: OnlineConfig, start: str | None
) -> Iterator[StepResult]:
    """A stage: L = (1 - w) L_SFT(right samples of this policy) + w L_SFT(annotated answers).

    Each L_SFT is a mean over its tokens. A step without a right sample imitates annotations alone;
    one that has neither updates nothing.
    """
    policy = bench.load_policy(run.artifacts[start] if start else None)
    learner = Learner({"policy": policy.network}, config.optimizer)
    problems = bench.problems("train")
    renderer = bench.renderer(policy)
    collector = _collector(bench, policy, config)
    num_steps = config.num_steps or max(1, round(config.epochs * len(problems) / config.batch_size))
    state = {"learner": learner}
    for step in run.steps(num_steps, model=policy, state=state, eval_every=config.eval_every):
        rows = batch_indices(len(problems), step, batch_size=config.batch_size, seed=run.seed)
        asked = [problems[row] for row in rows]
        collector.engine.sync(policy.sampling_weights())
        groups = collector.collect(asked, seed=derived_seed(run.seed, "rollout", step))
        trajectories = [t for group in groups for t in group.trajectories]
        right = [sample_of(t).example() for t in trajectories if t.score.is_correct]
        weighted = [(1.0 - config.annotated_weight, right)]
        if config.annotated_weight > 0:
            annotated = [renderer.example(problem) for problem in asked]
            weighted.append((config.annotated_weight, annotated))
        metrics = collector.metrics(groups) | {"self_training/imitated": float(len(right))}
        for _ in range(config.num_epochs):
            metrics |= _update(
                learner,
                policy,
                weighted,
                max_tokens=bench.compute.max_tokens_per_batch,
                num_updates=num_steps * config.num_epochs,
            )
        yield StepResult(metrics, trajectories)


def _update(
    learner: Learner,
    policy: Policy,
    weighted: Sequence[tuple[float, Sequence[Example]]],
    *,
    max_tokens: int,
    num_updates: int,
) -> Metrics:
    """One update: the weighted sum of the imitation losses of some examples; none without any."""
    total, num_parts = 0.0, 0
    for weight, examples in weighted:
        if examples and weight > 0:
            found = imitation_gradients(
                learner, policy, examples, max_tokens=max_tokens, coef=weight
            )
            total, num_parts = total + weight * found["train/loss"], num_parts + 1
    if not num_parts:
        return {}
    return {"train/loss": total, **learner.optim_step(num_steps=num_updates)}


def _collector(bench: Workbench, policy: Policy, config: OnlineConfig) -> Collector:
    return Collector(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        grader=bench.grader,
        task=bench.task,
        params=bench.sampling(temperature=config.temperature),
        num_samples=config.samples_per_problem,
        max_failure_share=bench.max_grader_failures,
    )
