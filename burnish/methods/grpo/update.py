"""The updates on what a step has sampled: the loss of a batch, then one batch after the other."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from torch import Tensor

from burnish.core.kl import k2, k3, weighted_k3
from burnish.core.masking import token_mean
from burnish.methods.grpo.aggregation import AnyAggregation, BatchSize
from burnish.methods.grpo.kl import AnyKl, KlInLoss
from burnish.methods.grpo.loss import AnyLoss
from burnish.models.policy import Policy
from burnish.training.experience import Experience
from burnish.training.learner import Learner, Metrics


def update_policy(
    learner: Learner,
    batches: Sequence[Sequence[Experience]],
    *,
    policy: Policy,
    loss: AnyLoss,
    aggregation: AnyAggregation,
    kl: AnyKl | None,
    num_epochs: int,
    max_length: int,
    num_updates: int,
) -> Metrics:
    """`num_epochs` passes over the batches, one update for each batch.

    Args:
        batches: micro-batches, with advantages filled in, of each update.
        max_length: the token limit of a completion.
        num_updates: of the whole stage, for the schedule.

    Returns:
        means over the updates.
    """
    found: list[Metrics] = []
    for batch in [batch for _ in range(num_epochs) for batch in batches]:
        size = BatchSize(
            num_sequences=sum(len(e.trajectories) for e in batch),
            num_actions=sum(e.batch.num_actions for e in batch),
            max_length=max_length,
        )

        def loss_of(e: Experience, size: BatchSize = size) -> tuple[Tensor, Metrics]:
            logp, _ = policy.action_logps(policy.hidden_states(e.batch), e.batch)
            return group_loss(e, logp, loss=loss, aggregation=aggregation, kl=kl, size=size)

        metrics = learner.forward_backward(batch, loss_of, ids_of=_problem_ids)
        metrics["train/loss"] = metrics.pop("loss")
        found.append(metrics | learner.optim_step(num_steps=num_updates))
    return {name: fmean(metrics[name] for metrics in found) for name in found[0]}


def group_loss(
    e: Experience,
    logp: Tensor,
    *,
    loss: AnyLoss,
    aggregation: AnyAggregation,
    kl: AnyKl | None,
    size: BatchSize,
) -> tuple[Tensor, Metrics]:
    """A micro-batch's part of the loss of its batch: aggregate(loss_t + beta kl_t).

    Args:
        logp: `[B, T]`, of the actions under the policy in training, zero elsewhere.
        size: of the whole batch.
    """
    mask = e.batch.action_mask
    per_token = loss.of(logp, e.old_logp, e.advantage, mask)
    bounded = loss.is_bounded(logp.detach(), e.old_logp, e.advantage, mask)
    share = token_mean(bounded.to(logp.dtype), mask, num_tokens=size.num_actions)
    metrics = {
        "ppo/policy_loss": aggregation.of(per_token.detach(), mask, size).item(),
        "ppo/clip_fraction": share.item(),
    }
    if isinstance(kl, KlInLoss) and kl.coef > 0:
        per_token = per_token + kl.coef * _kl_of(e, logp, kl.estimator)
    return aggregation.of(per_token, mask, size), metrics


def _kl_of(e: Experience, logp: Tensor, estimator: Literal["k2", "k3", "weighted_k3"]) -> Tensor:
    if estimator == "weighted_k3":
        return weighted_k3(logp, e.ref_logp, e.old_logp)
    return k2(logp, e.ref_logp) if estimator == "k2" else k3(logp, e.ref_logp)


def _problem_ids(experience: Experience) -> list[str]:
    return [trajectory.problem_id for trajectory in experience.trajectories]
