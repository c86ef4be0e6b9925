"""From rewards to the advantage of every action of a step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from pydantic import Field

from burnish.config import Config
from burnish.core.group_advantages import returns_to_go, soft_overlong_penalty
from burnish.core.kl import k1
from burnish.methods.grpo.advantage import AnyAdvantage, Returns
from burnish.training.credit import terminal_rewards
from burnish.training.experience import Experience
from burnish.training.learner import Metrics
from burnish.types import Trajectory


class OverlongConfig(Config):
    """DAPO's soft punishment of long answers."""

    buffer_share: float = Field(default=0.2, gt=0, le=1)
    """Share of `lengths.max_new_tokens`, before its end, over which the penalty grows from 0 to
    its weight; the paper: 4,096 of 20,480 tokens."""
    weight: float = Field(default=1.0, gt=0)
    """What an answer that reaches the limit loses."""


def with_overlong_penalty(
    trajectories: Sequence[Trajectory], config: OverlongConfig, *, max_length: int
) -> list[Trajectory]:
    """The same samples, long ones paid less.

    Args:
        max_length: the token limit of a completion.
    """
    lengths = torch.tensor([sum(t.is_action) for t in trajectories])
    buffer = max(1, round(config.buffer_share * max_length))
    penalties = soft_overlong_penalty(lengths, max_length=max_length, buffer=buffer).tolist()
    return [
        replace(t, score=replace(t.score, reward=t.score.reward + config.weight * penalty))
        for t, penalty in zip(trajectories, penalties, strict=True)
    ]


@torch.no_grad()
def assign_credit(
    experiences: Sequence[Experience],
    *,
    advantage: AnyAdvantage,
    kl_coef: float,
    greedy: Mapping[str, float],
) -> Metrics:
    """Fill in reward, return and advantage of every action; samples of one problem are a group.

    r_t = [t emits the last token] reward - beta (log pi_old(a_t) - log pi_ref(a_t))

    Args:
        kl_coef: beta of a KL in the reward, else 0.
        greedy: reward of the greedy answer by problem id, where the advantage is over it.

    Returns:
        `group/zero_advantage`: share of the problems none of whose actions has an advantage.
    """
    for e in experiences:
        e.token_reward = terminal_rewards(e) - kl_coef * k1(e.old_logp, e.ref_logp)
        e.return_ = returns_to_go(e.token_reward, e.batch.action_mask)
    returns = _returns(experiences, greedy)
    for e, found in zip(experiences, advantage.of(returns), strict=True):
        e.advantage = found
    taught = torch.cat([e.advantage.any(dim=1) for e in experiences])
    num_taught = len(returns.group[taught].unique())
    return {"group/zero_advantage": 1.0 - num_taught / len(returns.group.unique())}


def _returns(experiences: Sequence[Experience], greedy: Mapping[str, float]) -> Returns:
    ids = [t.problem_id for e in experiences for t in e.trajectories]
    number_of = {name: number for number, name in enumerate(dict.fromkeys(ids))}
    device = experiences[0].old_logp.device
    masks = [e.batch.action_mask for e in experiences]
    return Returns(
        whole=torch.cat([e.token_reward.sum(dim=1) for e in experiences]),
        to_go=[e.return_ for e in experiences],
        group=torch.tensor([number_of[name] for name in ids], device=device),
        lengths=torch.cat([mask.sum(dim=1) for mask in masks]),
        masks=masks,
        greedy=torch.tensor([greedy.get(name, math.nan) for name in ids], device=device),
    )


def batch_metrics(experiences: Sequence[Experience], *, has_reference: bool) -> Metrics:
    """Means over the batch: KL per sequence, where there is a reference, and entropy per action."""
    num_sequences = sum(len(e.trajectories) for e in experiences)
    num_actions = sum(e.batch.num_actions for e in experiences)
    kl = sum(k1(e.old_logp, e.ref_logp).sum().item() for e in experiences)
    entropy = sum(e.entropy.sum().item() for e in experiences)
    metrics = {"rollout/entropy": entropy / num_actions}
    return metrics | ({"ppo/kl": kl / num_sequences} if has_reference else {})
