"""From the reward of a whole answer to the advantage of every action, and what that looks like.

The reward stands at the last action, the KL from the reference is paid for at every one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from burnish.core.advantages import gae, whiten_batches
from burnish.core.kl import k1
from burnish.core.value_losses import explained_variance
from burnish.training.experience import Experience
from burnish.training.learner import Metrics


@torch.no_grad()
def credit_actions(
    experiences: Sequence[Experience],
    *,
    kl_coef: float,
    discount: float,
    gae_lambda: float,
    step_rewards: Sequence[torch.Tensor] | None = None,
) -> None:
    """Fill in reward, advantage and return of every action.

    r_t = [t emits the last token] reward + p_t - beta (log pi_old(a_t) - log pi_ref(a_t))
    A, R = GAE(r, V_old; gamma, lambda);  A whitened over the whole batch

    Args:
        kl_coef: beta.
        discount: gamma.
        gae_lambda: lambda.
        step_rewards: p, a [B, T] tensor for each micro-batch; None where no steps are paid.
    """
    for place, e in enumerate(experiences):
        mask = e.batch.action_mask
        penalty = torch.where(mask, kl_coef * k1(e.old_logp, e.ref_logp), 0.0)
        paid = terminal_rewards(e)
        if step_rewards is not None:
            paid = paid + step_rewards[place]
        e.token_reward = paid - penalty
        e.advantage, e.return_ = gae(
            e.token_reward, e.old_value, mask, discount=discount, gae_lambda=gae_lambda
        )
    white = whiten_batches(
        [e.advantage for e in experiences], [e.batch.action_mask for e in experiences]
    )
    for e, advantage in zip(experiences, white, strict=True):
        e.advantage = advantage


def terminal_rewards(e: Experience) -> torch.Tensor:
    """[B, T]: the reward at each row's last action, zero elsewhere.

    That action emits EOS, or the last token of a completion cut at the limit.
    """
    mask = e.batch.action_mask
    columns = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask, columns, -1).max(dim=1).values
    rewards = torch.zeros(mask.shape, device=mask.device)
    rows = torch.arange(mask.shape[0], device=mask.device)
    scores = [trajectory.score.reward for trajectory in e.trajectories]
    rewards[rows, last] = torch.tensor(scores, device=mask.device)
    return rewards


def experience_metrics(experiences: Sequence[Experience]) -> Metrics:
    """Means over the batch: KL and entropy per sequence and action, quality of the critic."""
    num_sequences = sum(len(e.trajectories) for e in experiences)
    num_actions = sum(e.batch.num_actions for e in experiences)
    masks = [e.batch.action_mask for e in experiences]
    kl = sum(k1(e.old_logp, e.ref_logp).sum().item() for e in experiences)
    entropy = sum(e.entropy.sum().item() for e in experiences)
    values = torch.cat([e.old_value[m] for e, m in zip(experiences, masks, strict=True)])
    returns = torch.cat([e.return_[m] for e, m in zip(experiences, masks, strict=True)])
    everywhere = torch.ones_like(values, dtype=torch.bool)[None]
    explained = explained_variance(values[None], returns[None], everywhere)
    return {
        "ppo/kl": kl / num_sequences,
        "rollout/entropy": entropy / num_actions,
        "ppo/value": values.mean().item(),
        "ppo/return": returns.mean().item(),
        "ppo/explained_variance": explained.item(),
    }
