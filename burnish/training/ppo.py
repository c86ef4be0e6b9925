"""PPO's update: clipped surrogate and clipped value loss over gathered experience."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.masking import sequence_mean
from burnish.core.policy_losses import clip_fraction, clipped_surrogate
from burnish.core.value_losses import clipped_value_loss
from burnish.models.policy import Policy
from burnish.models.value_head import Critic
from burnish.training.experience import Experience
from burnish.training.learner import Learner, Metrics


class PpoConfig(Config):
    """Constants of the PPO update; the defaults are the ReFT code's."""

    num_epochs: int = Field(default=2, ge=1)
    """U: passes over each batch of experience; each is one update."""
    clip_low: float = Field(default=0.2, gt=0, lt=1)
    """epsilon: how far the probability ratio may usefully fall below 1."""
    clip_high: float = Field(default=0.2, gt=0)
    """epsilon: how far it may usefully rise above 1."""
    value_clip: float = Field(default=0.2, gt=0)
    """epsilon: how far a value may usefully move in one batch, in units of reward."""
    value_coef: float = Field(default=5.0, ge=0)
    """alpha: weight of the value loss beside the policy loss."""


def ppo_update(
    learner: Learner,
    experiences: Sequence[Experience],
    *,
    policy: Policy,
    critic: Critic,
    config: PpoConfig,
    num_updates: int,
    further_gradients: Callable[[], Metrics] | None = None,
) -> Metrics:
    """U updates on one batch: L = L_policy + alpha L_value, each a mean over actions, then rows.

    Args:
        experiences: micro-batches with advantage and return filled in.
        num_updates: of the whole stage, for the schedule.
        further_gradients: adds those of another loss before each update, and says what it was.

    Returns:
        metrics of the last of the U updates; `ppo/clip_fraction` is the mean of all U.
    """
    num_sequences = sum(len(e.trajectories) for e in experiences)
    num_actions = sum(e.batch.num_actions for e in experiences)

    def loss(e: Experience) -> tuple[Tensor, Metrics]:
        mask = e.batch.action_mask
        hidden = policy.hidden_states(e.batch)
        logp, _ = policy.action_logps(hidden, e.batch)
        values = critic.values(e.batch, hidden)
        clips = {"clip_low": config.clip_low, "clip_high": config.clip_high}
        surrogate = clipped_surrogate(logp, e.old_logp, e.advantage, **clips)
        error = clipped_value_loss(values, e.old_value, e.return_, clip=config.value_clip)
        policy_loss = sequence_mean(surrogate, mask, num_sequences=num_sequences)
        value_loss = sequence_mean(error, mask, num_sequences=num_sequences)
        clipped = clip_fraction(
            logp, e.old_logp, e.advantage, mask, num_tokens=num_actions, **clips
        )
        return policy_loss + config.value_coef * value_loss, {
            "ppo/policy_loss": policy_loss.item(),
            "ppo/value_loss": value_loss.item(),
            "ppo/clip_fraction": clipped.item(),
        }

    metrics: Metrics = {}
    clip_fractions = []
    for _ in range(config.num_epochs):
        metrics = learner.forward_backward(experiences, loss, ids_of=_problem_ids)
        metrics["train/loss"] = metrics.pop("loss")
        metrics |= further_gradients() if further_gradients is not None else {}
        metrics |= learner.optim_step(num_steps=num_updates)
        clip_fractions.append(metrics["ppo/clip_fraction"])
    return metrics | {"ppo/clip_fraction": sum(clip_fractions) / len(clip_fractions)}


def _problem_ids(experience: Experience) -> list[str]:
    return [trajectory.problem_id for trajectory in experience.trajectories]
