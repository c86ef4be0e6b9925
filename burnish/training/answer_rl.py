"""Reinforcement by rewards of whole answers: PPO with the reward at EOS and the KL in the reward.

    max E[R(x, y)] - beta KL(pi || pi_ref)

as in InstructGPT (arXiv:2203.02155, section 3.4), with pi_ref the policy that the stage starts
from. Who pays is told by `RewardSource`s; everything else is ReFT's PPO. REINFORCE with a value
baseline (RLAIF, arXiv:2309.00267) is `ppo.num_epochs: 1` with `gae_lambda: 1`: in the first pass
over a batch the ratio is 1, nothing is clipped, and the advantage is the return less the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, pstdev
from typing import Literal, TypeAlias

import torch
from pydantic import Field

from burnish.config import Config
from burnish.data.feedback.kinds import true_reward
from burnish.graders.grader import Grader
from burnish.models.policy import Policy
from burnish.models.value_head import Critic, HeadStart, SeparateCritic, SharedCritic
from burnish.training.answer_rewards import (
    Answers,
    RewardSource,
    WeightedRewards,
    read_units,
    units_on,
    write_units,
)
from burnish.training.collection import Collector
from burnish.training.credit import credit_actions, experience_metrics
from burnish.training.experience import engine_gap, gather_experience
from burnish.training.kl_control import FixedKlConfig, KlConfig, KlController
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.ppo import PpoConfig, ppo_update
from burnish.training.pretraining_mix import PretrainingMix, PtxConfig
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import Measure, StageRun, StepResult
from burnish.training.start_measure import measured_start
from burnish.training.token_view import best_and_worst
from burnish.training.workbench import Workbench
from burnish.types import Group, Trajectory

UNITS_FILE = "reward_units.json"


class AnswerRlConfig(Config):
    """PPO on rewards of whole answers."""

    epochs: float = Field(default=1, gt=0)
    """Passes over the training questions."""
    num_steps: int | None = Field(default=None, ge=1)
    """RL steps; overrides `epochs`."""
    batch_size: int = Field(default=64, ge=1)
    """Questions of one step."""
    samples_per_problem: int = Field(default=1, ge=1)
    """Answers sampled to each question of a step."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts. At another one than 1 the KL is only estimated."""
    kl: KlConfig = FixedKlConfig()
    """beta: fixed, or adaptive (steered to a target)."""
    rewards: Literal["as_paid", "whitened"] = "as_paid"
    """whitened: less the mean, by the deviation, of each step's batch of rewards."""
    missing_eos_penalty: float = Field(default=0.0, ge=0)
    """Taken off the reward (after whitening) of an answer that the token limit cut off."""
    truncated: Literal["graded", "dropped"] = "graded"
    """Answers that the token limit cut off: paid as they stand, at their last token, or left out of
    the batch."""
    discount: float = Field(default=1.0, gt=0, le=1)
    """gamma."""
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    """lambda."""
    ppo: PpoConfig = PpoConfig(value_coef=1.0)
    """The update."""
    critic: Literal["shared", "separate"] = "shared"
    """A value head on the policy's backbone, or a network of its own."""
    value_start: HeadStart = "zero"
    """Weights of the value head: zero, so that all values are 0 at first, or random."""
    ptx: PtxConfig | None = None
    """Also imitate the task's written answers (InstructGPT's PPO-ptx); default: do not."""
    max_logp_gap: float = Field(default=0.1, gt=0)
    """Nats a token by which engine and learner may differ on average before the run stops."""
    eval_every: int = Field(default=10, ge=1)
    """Steps between evaluations on the dev split."""
    hands_on: Literal["last", "selected"] = "last"
    """Which model stands for the stage: that of the last step, or the one with the best reward less
    beta KL on dev."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=1e-5, schedule="constant", warmup_ratio=0.0
    )
    """AdamW, constant rate, no warm-up."""


SourcesOf: TypeAlias = Callable[[StageRun], Sequence[RewardSource]]
"""Who pays in a stage; earlier stages' models are found in its artifacts."""
MeasureOf: TypeAlias = Callable[[Policy, Policy, Grader], Measure]
"""Of policy, reference and who pays: what the stage is selected by."""


def reinforce_answers(
    run: StageRun,
    *,
    bench: Workbench,
    config: AnswerRlConfig,
    start: str | None,
    sources: SourcesOf,
    measure_of: MeasureOf,
) -> Iterator[StepResult]:
    """A stage: PPO from the model of `start`, which stays as the reference policy.

    Args:
        start: the earlier stage whose model it is; None is the recipe's own.
        sources: who pays. Their units are taken once, on answers of the reference to the dev
            problems, and kept in the stage's folder.
        measure_of: makes the numbers on dev, such as `measure_of_answers`. They are taken once
            before the first step, too, and kept in the stage's folder.
    """
    folder = run.artifacts[start] if start else None
    policy = bench.load_policy(folder)
    reference = bench.frozen_twin(policy, folder)
    payer = paying_grader(run.folder, sources(run), partial(held_out, run, bench, policy, config))
    critic = _critic(run, bench, policy, folder, config)
    learner = Learner({"policy": policy.network, "critic": critic.module}, config.optimizer)
    control = config.kl.controller()
    collector = _collector(bench, policy, payer, config)
    mix = _mix(run, bench, policy, config)
    parts = _Parts(bench, config, policy, reference, critic, learner, control, collector, mix)
    problems = bench.problems("train")
    num_steps = config.num_steps or max(1, round(config.epochs * len(problems) / config.batch_size))
    measure = measure_of(policy, reference, payer)
    measured_start(run, measure)
    for step in run.steps(
        num_steps,
        model=policy,
        state={"learner": learner, "kl": control},
        eval_every=config.eval_every,
        measure=measure,
    ):
        chosen = batch_indices(len(problems), step, batch_size=config.batch_size, seed=run.seed)
        collector.engine.sync(policy.sampling_weights())
        groups = collector.collect(
            [problems[row] for row in chosen], seed=derived_seed(run.seed, "rollout", step)
        )
        yield _learnt(parts, groups, step=step, num_steps=num_steps)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a step works with."""

    bench: Workbench
    config: AnswerRlConfig
    policy: Policy
    reference: Policy
    critic: Critic
    learner: Learner
    control: KlController
    collector: Collector
    mix: PretrainingMix | None


def _learnt(parts: _Parts, groups: Sequence[Group], *, step: int, num_steps: int) -> StepResult:
    """The updates on one batch of answers; none where no answer is left."""
    config, policy, mix = parts.config, parts.policy, parts.mix
    metrics = parts.collector.metrics(groups) | _gold(parts.bench, groups)
    trajectories = _kept(groups, config)
    if not trajectories:
        return StepResult(metrics)
    experiences = gather_experience(
        as_paid(trajectories, config),
        policy=policy,
        reference=parts.reference,
        critic=parts.critic,
        max_tokens=parts.bench.compute.max_tokens_per_batch,
    )
    metrics["ppo/logp_gap"] = engine_gap(experiences, limit=config.max_logp_gap)
    credit_actions(
        experiences,
        kl_coef=parts.control.coef,
        discount=config.discount,
        gae_lambda=config.gae_lambda,
    )
    metrics |= experience_metrics(experiences)
    num_tokens = sum(e.batch.num_actions for e in experiences)
    metrics["ppo/kl_token"] = metrics["ppo/kl"] * len(trajectories) / num_tokens
    metrics["ppo/kl_coef"] = parts.control.coef
    metrics |= ppo_update(
        parts.learner,
        experiences,
        policy=policy,
        critic=parts.critic,
        config=config.ppo,
        num_updates=num_steps * config.ppo.num_epochs,
        further_gradients=mix and partial(mix.add_gradients, parts.learner, policy, step=step),
    )
    parts.control.heed(metrics["ppo/kl"])
    return StepResult(metrics, trajectories, best_and_worst(experiences))


def paying_grader(
    folder: Path, sources: Sequence[RewardSource], answers: Callable[[], Answers]
) -> WeightedRewards:
    """Who pays in a stage, in units that are kept in its folder.

    Args:
        answers: makes held-out answers, where the units are not there yet.
    """
    path = folder / UNITS_FILE
    if not path.exists():
        write_units(path, units_on(sources, answers()))
    return WeightedRewards(sources, read_units(path))


def held_out(run: StageRun, bench: Workbench, policy: Policy, config: AnswerRlConfig) -> Answers:
    """An answer to each dev problem, sampled as the rollouts are."""
    problems = bench.dev_problems()
    collector = _collector(bench, policy, bench.grader, config)
    one_each = replace(collector, num_samples=1)
    requests = one_each.requests(problems, seed=derived_seed(run.seed, "units"))
    sampled = collector.engine.sample(requests, collector.params)
    return [(problem, group[0]) for problem, group in zip(problems, sampled, strict=True)]


def as_paid(trajectories: Sequence[Trajectory], config: AnswerRlConfig) -> list[Trajectory]:
    """The same with the reward that is learnt from: whitened, less the penalty for no EOS."""
    rewards = [trajectory.score.reward for trajectory in trajectories]
    if config.rewards == "whitened":
        mean, deviation = fmean(rewards), pstdev(rewards) or 1.0
        rewards = [(reward - mean) / deviation for reward in rewards]
    return [
        replace(t, score=replace(t.score, reward=r - config.missing_eos_penalty * t.is_truncated))
        for t, r in zip(trajectories, rewards, strict=True)
    ]


def _critic(
    run: StageRun, bench: Workbench, policy: Policy, folder: Path | None, config: AnswerRlConfig
) -> Critic:
    torch.manual_seed(derived_seed(run.seed, "value head"))
    if config.critic == "shared":
        return SharedCritic(policy, head_start=config.value_start)
    twin = bench.trained_twin(policy, folder)
    return SeparateCritic(twin, head_start=config.value_start)


def _collector(
    bench: Workbench, policy: Policy, grader: Grader, config: AnswerRlConfig
) -> Collector:
    return Collector(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        grader=grader,
        task=bench.task,
        params=bench.sampling(temperature=config.temperature),
        num_samples=config.samples_per_problem,
        max_failure_share=bench.max_grader_failures,
    )


def _mix(
    run: StageRun, bench: Workbench, policy: Policy, config: AnswerRlConfig
) -> PretrainingMix | None:
    if config.ptx is None:
        return None
    renderer = bench.renderer(policy)
    rows = [renderer.example(problem) for problem in bench.problems("train")]
    seed, max_tokens = derived_seed(run.seed, "ptx"), bench.compute.max_tokens_per_batch
    return PretrainingMix(rows, config.ptx, seed=seed, max_tokens=max_tokens)


def _kept(groups: Sequence[Group], config: AnswerRlConfig) -> list[Trajectory]:
    keep_truncated = config.truncated == "graded"
    return [
        trajectory
        for group in groups
        for trajectory in group.trajectories
        if keep_truncated or not trajectory.is_truncated
    ]


def _gold(bench: Workbench, groups: Sequence[Group]) -> Metrics:
    """The true reward, for the log alone, where the task knows it."""
    found = [
        gold["reward"]
        for group in groups
        for sample in group.trajectories
        if (gold := true_reward(bench.task, group.problem, sample.text)) is not None
    ]
    return {"rollout/gold": fmean(found)} if found else {}
