"""One step of learning: pay the attempts of a batch, then one REINFORCE update."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from burnish.core.masking import constant_mean
from burnish.core.policy_losses import reinforce
from burnish.methods.score.adaptive import Objectives
from burnish.methods.score.baselines import Baseline
from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.credit import (
    Objective,
    assign_credit,
    own_attempts,
    shaped_rewards,
    turn_kls,
)
from burnish.models.policy import Policy
from burnish.training.experience import Experience, engine_gap
from burnish.training.learner import Learner, Metrics


def learn(
    experiences: Sequence[Experience],
    *,
    learner: Learner,
    policy: Policy,
    objectives: Objectives,
    baseline: Baseline,
    config: AttemptsConfig,
) -> Metrics:
    """Pay the attempts of one step and update the policy once."""
    gap = engine_gap(experiences, limit=config.max_logp_gap)
    rewards = [_rewards(e, config) for e in experiences]
    objective = objectives.current
    assign_credit(experiences, rewards, objective=objective, baseline=baseline)
    of_turns = torch.cat([turn_kls(e, objective.num_turns) for e in experiences])
    kls = _means(experiences, of_turns)
    objectives.observe(kls)
    return {
        "score/logp_gap": gap,
        **_payment_metrics(experiences, rewards, kls, objective),
        **reinforce_update(learner, experiences, policy=policy, num_updates=config.num_steps),
    }


def reinforce_update(
    learner: Learner, experiences: Sequence[Experience], *, policy: Policy, num_updates: int
) -> Metrics:
    """One step on one batch: L = -sum_ik A_ik sum_t log pi(a_t) / number of samples.

    The log-probability of an attempt is the sum over its tokens, with no length in a divisor.

    Args:
        experiences: micro-batches with advantages filled in.
        num_updates: of the whole stage, for the schedule.
    """
    num_samples = sum(len(e.trajectories) for e in experiences)

    def loss(e: Experience) -> tuple[Tensor, Metrics]:
        logp, _ = policy.action_logps(policy.hidden_states(e.batch), e.batch)
        losses = reinforce(logp, e.advantage)
        return constant_mean(losses, e.batch.action_mask, divisor=num_samples), {}

    metrics = learner.forward_backward(experiences, loss, ids_of=_problem_ids)
    metrics["train/loss"] = metrics.pop("loss")
    return metrics | learner.optim_step(num_steps=num_updates)


def _rewards(e: Experience, config: AttemptsConfig) -> Float[Tensor, "B K"]:
    """r_ik of the rows of a micro-batch."""
    is_binary = config.reward == "correct"
    rewards = [
        [float(t.score.is_correct) if is_binary else t.score.reward for t in sample.turns]
        for sample in e.trajectories
    ]
    return torch.tensor(rewards, device=e.old_logp.device)


def _payment_metrics(
    experiences: Sequence[Experience],
    rewards: Sequence[Tensor],
    kls: Sequence[float],
    objective: Objective,
) -> Metrics:
    """What was paid for an attempt, and each attempt's KL to the base model: means over samples.

    `score/training_reward` is what the stage pays without bonus and KL: a bonus is also earned by
    failing first, so it says nothing about a model. `score/first_kl_coef` is the whole weight of
    the first attempt's KL: beta1 + beta2 in Stage I.
    """
    given = torch.cat(list(rewards))
    plain = sum(_means(experiences, given * given.new_tensor(objective.reward_weights)))
    shaped = sum(_means(experiences, shaped_rewards(given, objective)))
    num_actions = sum(e.batch.num_actions for e in experiences)
    entropy = sum(e.entropy.sum().item() for e in experiences)
    return {
        "score/training_reward": plain,
        "score/bonus": shaped - plain,
        "score/first_kl_coef": objective.kl_coefs[0],
        "score/kl": sum(kls),
        **{f"score/kl_t{turn}": kl for turn, kl in enumerate(kls, start=1)},
        "rollout/entropy": entropy / num_actions,
    }


def _means(experiences: Sequence[Experience], values: Float[Tensor, "N K"]) -> list[float]:
    """Of each attempt, over the samples in which the policy has made it; 0 where in none."""
    is_paid = own_attempts(experiences)
    sums = torch.where(is_paid, values, 0.0).sum(dim=0)
    return (sums / is_paid.sum(dim=0).clamp(min=1)).tolist()


def _problem_ids(experience: Experience) -> list[str]:
    return [sample.problem_id for sample in experience.trajectories]
