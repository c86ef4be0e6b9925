"""The RL steps of ReFT's Algorithm 1: sample, check, estimate advantages, update U times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from pydantic import Field

from burnish.config import Config
from burnish.methods.reft.process_reward import StepPayer, StepRewardConfig
from burnish.models.policy import Policy
from burnish.models.value_head import Critic, HeadStart, SeparateCritic, SharedCritic
from burnish.training.collection import Collector
from burnish.training.credit import credit_actions, experience_metrics
from burnish.training.experience import Experience, engine_gap, gather_experience
from burnish.training.learner import Learner, OptimizerConfig
from burnish.training.ppo import PpoConfig, ppo_update
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.token_view import best_and_worst
from burnish.training.value_fit import VALUE_STAGE
from burnish.training.workbench import Workbench
from burnish.types import Group, Trajectory


class ReinforceConfig(Config):
    """The reinforcement stage: PPO on checkable answers."""

    epochs: float = Field(default=300, gt=0)
    """Passes over the training questions."""
    num_steps: int | None = Field(default=None, ge=1)
    """T: RL steps; overrides `epochs`."""
    batch_size: int = Field(default=32, ge=1)
    """Questions of one step."""
    samples_per_problem: int = Field(default=1, ge=1)
    """Completions sampled for each question of a step; the paper's code samples one."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts."""
    kl_coef: float = Field(default=0.05, ge=0)
    """beta: weight of the k1 penalty in the reward; the paper: 0.05 N-CoT, 0.01 P-CoT."""
    discount: float = Field(default=1.0, gt=0, le=1)
    """gamma."""
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    """lambda."""
    ppo: PpoConfig = PpoConfig()
    """The update."""
    critic: Literal["shared", "separate"] = "shared"
    """A value head on the policy's backbone, or a network of its own."""
    value_start: HeadStart = "random"
    """Weights of the value head: random as in the authors' code, or zero, so that all values are 0
    at first. Zero where `ppo/value` starts far outside the rewards."""
    truncated: Literal["graded", "dropped"] = "graded"
    """Completions that hit the token limit: graded as they stand, with the reward at their last
    token (the paper's code), or left out of the batch (as DAPO does; a step all of whose
    completions are left out updates nothing)."""
    max_logp_gap: float = Field(default=0.1, gt=0)
    """Nats a token by which engine and learner may differ on average before the run stops."""
    eval_every: int = Field(default=20, ge=1)
    """Steps between evaluations on the dev split."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=3e-7, schedule="constant", warmup_ratio=0.0
    )
    """AdamW, constant rate, no warm-up."""
    process_reward: StepRewardConfig | None = None
    """A value model that pays every step besides the answer; default: the answer alone."""


def reinforce(run: StageRun, *, bench: Workbench, config: ReinforceConfig) -> Iterator[StepResult]:
    """A stage: PPO from the warm-up checkpoint, which stays as the reference policy."""
    warm_up = run.artifacts["warm_up"]
    policy = bench.load_policy(warm_up)
    reference = bench.frozen_twin(policy, warm_up)
    torch.manual_seed(derived_seed(run.seed, "value head"))
    if config.critic == "shared":
        critic: Critic = SharedCritic(policy, head_start=config.value_start)
    else:
        twin = bench.trained_twin(policy, warm_up)
        critic = SeparateCritic(twin, head_start=config.value_start)
    learner = Learner({"policy": policy.network, "critic": critic.module}, config.optimizer)
    problems = bench.problems("train")
    collector = _collector(bench, policy, config)
    payer = _step_payer(run, bench, policy, config)
    num_steps = config.num_steps or max(1, round(config.epochs * len(problems) / config.batch_size))
    state = {"learner": learner}
    for step in run.steps(num_steps, model=policy, state=state, eval_every=config.eval_every):
        chosen = batch_indices(len(problems), step, batch_size=config.batch_size, seed=run.seed)
        collector.engine.sync(policy.sampling_weights())
        groups = collector.collect(
            [problems[row] for row in chosen], seed=derived_seed(run.seed, "rollout", step)
        )
        trajectories = _kept(groups, config)
        if not trajectories:
            yield StepResult(collector.metrics(groups))
            continue
        experiences = gather_experience(
            trajectories,
            policy=policy,
            reference=reference,
            critic=critic,
            max_tokens=bench.compute.max_tokens_per_batch,
        )
        gap = engine_gap(experiences, limit=config.max_logp_gap)
        dense, process = payer.pay(experiences) if payer else (None, {})
        assign_credit(experiences, config, dense)
        updated = ppo_update(
            learner,
            experiences,
            policy=policy,
            critic=critic,
            config=config.ppo,
            num_updates=num_steps * config.ppo.num_epochs,
        )
        metrics = collector.metrics(groups) | experience_metrics(experiences) | process | updated
        yield StepResult(metrics | {"ppo/logp_gap": gap}, trajectories, best_and_worst(experiences))


def _collector(bench: Workbench, policy: Policy, config: ReinforceConfig) -> Collector:
    return Collector(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        grader=bench.grader,
        task=bench.task,
        params=bench.sampling(temperature=config.temperature),
        num_samples=config.samples_per_problem,
        max_failure_share=bench.max_grader_failures,
    )


def _step_payer(
    run: StageRun, bench: Workbench, policy: Policy, config: ReinforceConfig
) -> StepPayer | None:
    """Raises ModelError where the value model does not read the policy's tokens."""
    if config.process_reward is None:
        return None
    folder = config.process_reward.model or run.artifacts[VALUE_STAGE]
    model = bench.load_process_reward(folder)
    model.require_tokenizer(policy.tokenizer, owner="the policy in training")
    return StepPayer(
        model,
        config.process_reward,
        discount=config.discount,
        max_tokens=bench.compute.max_tokens_per_batch,
    )


def assign_credit(
    experiences: Sequence[Experience],
    config: ReinforceConfig,
    step_rewards: Sequence[torch.Tensor] | None = None,
) -> None:
    """Fill in reward, advantage and return of every action; see `credit_actions`.

    Args:
        step_rewards: a [B, T] tensor for each micro-batch; None where no steps are paid.
    """
    credit_actions(
        experiences,
        kl_coef=config.kl_coef,
        discount=config.discount,
        gae_lambda=config.gae_lambda,
        step_rewards=step_rewards,
    )


def _kept(groups: Sequence[Group], config: ReinforceConfig) -> list[Trajectory]:
    keep_truncated = config.truncated == "graded"
    return [
        trajectory
        for group in groups
        for trajectory in group.trajectories
        if keep_truncated or not trajectory.is_truncated
    ]
