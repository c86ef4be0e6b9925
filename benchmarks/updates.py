"""Our side of the training benchmark: one step of each kind, composed from burnish's parts.

What the rollout gave is not computed again: its log-probabilities are the old policy's. Only the
critic needs values of the sampled tokens before the update, one pass through the trunk without
gradient.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from training_data import LORA, Pair, Settings, reward_of

from burnish.core.advantages import group_normalised
from burnish.core.masking import token_mean
from burnish.core.policy_losses import clipped_surrogate
from burnish.core.preference_losses import dpo_loss
from burnish.methods.reft.reinforce import ReinforceConfig, assign_credit
from burnish.models.batching import micro_batches
from burnish.models.loading import LoadedModel
from burnish.models.lora import add_adapter
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch, TokenSequence
from burnish.models.value_head import SharedCritic
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.training.collection import trajectory
from burnish.training.experience import Experience
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.ppo import PpoConfig, ppo_update
from burnish.training.supervised import supervised_step
from burnish.types import Example, Problem, Score, Trajectory

Prompts: TypeAlias = "Sequence[tuple[int, ...]]"
Step: TypeAlias = Callable[[Any, int], "float | None"]
"""Takes the data of a step and its number; returns the mean reward, if there is one."""

_TRL_EPSILON = 1e-4  # beside the standard deviation of a group


@dataclass(frozen=True, slots=True)
class Trainee:
    """A policy in training with its optimizer."""

    policy: Policy
    learner: Learner
    settings: Settings

    @classmethod
    def start(cls, policy: Policy, settings: Settings, **heads: nn.Module) -> Trainee:
        """Fresh moments for the policy's network, and for `heads` that are trained with it."""
        config = OptimizerConfig(learning_rate=settings.learning_rate, schedule="constant")
        return cls(policy, Learner({"policy": policy.network, **heads}, config), settings)


def grpo(loaded: LoadedModel, dtype: torch.dtype, settings: Settings) -> Step:
    """Steps of GRPO."""
    policy = Policy(loaded, compute_dtype=dtype)
    trainee, engine = Trainee.start(policy, settings), engine_of(policy, settings)
    return lambda prompts, seed: grpo_step(trainee, engine, prompts, seed=seed)


def with_critic(loaded: LoadedModel, dtype: torch.dtype, settings: Settings) -> Step:
    """Steps of PPO with ReFT's value head on the shared backbone."""
    policy = Policy(loaded, compute_dtype=dtype)
    critic = SharedCritic(policy)
    trainee = Trainee.start(policy, settings, critic=critic.module)
    engine = engine_of(policy, settings)
    return lambda prompts, seed: critic_step(trainee, engine, critic, prompts, seed=seed)


def sft(loaded: LoadedModel, dtype: torch.dtype, settings: Settings) -> Step:
    """Supervised steps."""
    trainee = Trainee.start(Policy(loaded, compute_dtype=dtype), settings)
    return lambda examples, _seed: sft_step(trainee, examples)


def dpo(loaded: LoadedModel, dtype: torch.dtype, settings: Settings) -> Step:
    """Steps of DPO; the reference is the policy before the first."""
    frozen = replace(loaded, network=copy.deepcopy(loaded.network))
    reference = Policy(frozen, compute_dtype=dtype)
    trainee = Trainee.start(Policy(loaded, compute_dtype=dtype), settings)
    return lambda pairs, _seed: dpo_step(trainee, reference, pairs)


def grpo_lora(loaded: LoadedModel, dtype: torch.dtype, settings: Settings) -> Step:
    """Steps of GRPO on an adapter."""
    return grpo(adapted(loaded), dtype, settings)


def sft_lora(loaded: LoadedModel, dtype: torch.dtype, settings: Settings) -> Step:
    """Supervised steps on an adapter."""
    return sft(adapted(loaded), dtype, settings)


def adapted(loaded: LoadedModel) -> LoadedModel:
    """With a fresh adapter, which alone is trained."""
    return replace(loaded, adapters=add_adapter(loaded.network, LORA))


def engine_of(policy: Policy, settings: Settings) -> LocalEngine:
    """The sampler that follows the policy."""
    return LocalEngine(
        policy.sampling_network(),
        policy.tokenizer,
        max_concurrent=settings.num_sequences,
        dtype=policy.compute_dtype,
    )


def grpo_step(trainee: Trainee, engine: LocalEngine, prompts: Prompts, *, seed: int) -> float:
    """Sample groups, pay them, normalise by group, update once. Returns the mean reward."""
    samples, settings = sampled(trainee, engine, prompts, seed=seed), trainee.settings
    rewards = torch.tensor([sample.score.reward for sample in samples])
    groups = torch.tensor([int(sample.problem_id) for sample in samples])
    advantages = group_normalised(rewards, groups, epsilon=_TRL_EPSILON).tolist()
    advantage_of = dict(zip(map(id, samples), advantages, strict=True))
    num_tokens = sum(sum(sample.is_action) for sample in samples)

    def loss(rows: Sequence[Trajectory]) -> tuple[Tensor, Metrics]:
        batch, logp = action_logps(trainee.policy, rows)
        advantage = torch.tensor([[advantage_of[id(row)]] for row in rows], device=logp.device)
        surrogate = clipped_surrogate(
            logp,
            old_logps(rows, batch),
            advantage.expand_as(logp),
            clip_low=settings.clip,
            clip_high=settings.clip,
        )
        return token_mean(surrogate, batch.action_mask, num_tokens=num_tokens), {}

    update(trainee, micro_batches(samples, max_tokens=settings.max_tokens_per_batch), loss)
    return float(rewards.mean())


def critic_step(
    trainee: Trainee, engine: LocalEngine, critic: SharedCritic, prompts: Prompts, *, seed: int
) -> float:
    """The same with a value head, as ReFT does it: GAE, whitening, clipped value loss."""
    samples, settings = sampled(trainee, engine, prompts, seed=seed), trainee.settings
    experiences = [
        with_values(trainee.policy, critic, rows)
        for rows in micro_batches(samples, max_tokens=settings.max_tokens_per_batch)
    ]
    assign_credit(experiences, ReinforceConfig(kl_coef=0.0))
    ppo_update(
        trainee.learner,
        experiences,
        policy=trainee.policy,
        critic=critic,
        config=PpoConfig(num_epochs=1, clip_low=settings.clip, clip_high=settings.clip),
        num_updates=1,
    )
    return sum(sample.score.reward for sample in samples) / len(samples)


def sft_step(trainee: Trainee, examples: Sequence[Example]) -> None:
    """One supervised update on the targets of `examples`."""
    supervised_step(
        trainee.learner,
        trainee.policy,
        examples,
        num_steps=1,
        max_tokens=trainee.settings.max_tokens_per_batch,
    )


def dpo_step(trainee: Trainee, reference: Policy, pairs: Sequence[Pair]) -> None:
    """One update on preferences; the reference scores them in the same step, once."""

    def loss(rows: Sequence[Pair]) -> tuple[Tensor, Metrics]:
        answers = [row.chosen for row in rows] + [row.rejected for row in rows]
        chosen, rejected = action_logps(trainee.policy, answers)[1].sum(dim=1).chunk(2)
        with torch.no_grad():
            ref_logp = action_logps(reference, answers)[1]
        ref_chosen, ref_rejected = ref_logp.sum(dim=1).chunk(2)
        losses = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta=trainee.settings.beta)
        return losses.sum() / len(pairs), {}

    # A pair counts as its longer answer, and its two answers must meet in one micro-batch.
    budget = trainee.settings.max_tokens_per_batch // 2
    update(trainee, micro_batches(pairs, max_tokens=budget), loss)


def update(
    trainee: Trainee,
    batches: Sequence[Sequence[TokenSequence]],
    loss: Callable[..., tuple[Tensor, Metrics]],
) -> None:
    """Gradients of all micro-batches, then one optimizer step at a constant rate."""
    trainee.learner.forward_backward(batches, loss, ids_of=lambda _rows: ["generated"])
    trainee.learner.optim_step(num_steps=1)


def sampled(
    trainee: Trainee, engine: LocalEngine, prompts: Prompts, *, seed: int
) -> list[Trajectory]:
    """Graded samples of every prompt from the weights as they are; `problem_id` is its place."""
    settings = trainee.settings
    engine.sync(trainee.policy.sampling_weights())
    first = seed * settings.num_sequences
    requests = [
        Request(prompt, tuple(range(start, start + settings.num_samples)))
        for prompt, start in zip(
            prompts, range(first, first + settings.num_sequences, settings.num_samples), strict=True
        )
    ]
    groups = engine.sample(requests, SamplingParams(max_tokens=settings.max_new_tokens))
    return [
        trajectory(
            Problem(str(place), "", None),
            completion,
            Score(reward_of(completion.token_ids), is_correct=False, answer=None),
        )
        for place, group in enumerate(groups)
        for completion in group
    ]


def action_logps(policy: Policy, rows: Sequence[TokenSequence]) -> tuple[TokenBatch, Tensor]:
    """The rows as a batch, and [B, T] log-probabilities of their actions."""
    batch = TokenBatch.collate(rows).to(policy.device)
    return batch, policy.action_logps(policy.hidden_states(batch), batch)[0]


def old_logps(rows: Sequence[Trajectory], batch: TokenBatch) -> Tensor:
    """[B, T]: what the engine said when it sampled."""
    old = torch.zeros(batch.token_ids.shape)
    for row, sample in enumerate(rows):
        old[row, : len(sample.logp)] = torch.tensor(sample.logp)
    return old[:, 1:].to(batch.token_ids.device)


@torch.no_grad()
def with_values(policy: Policy, critic: SharedCritic, rows: Sequence[Trajectory]) -> Experience:
    """A micro-batch with the critic's values before the update. Without KL there is no reference.

    The old log-probabilities stand in for the reference's, and entropy is not asked for.
    """
    batch = TokenBatch.collate(rows).to(policy.device)
    found = critic.values(batch, policy.hidden_states(batch))
    values = torch.where(batch.action_mask, found, 0.0)
    old, blank = old_logps(rows, batch), torch.zeros_like(values)
    return Experience(rows, batch, old, old, values, blank, blank, blank, blank)
