"""What is learnt from: sampled tokens with old and reference log-probabilities and old values.

Everything is recomputed by the learner, in its own arithmetic: what the engine reported is only
compared with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from burnish.errors import EngineError
from burnish.models.batching import micro_batches
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch
from burnish.models.value_head import Critic
from burnish.types import Trajectory


@dataclass(slots=True)
class Experience:
    """One micro-batch of trajectories; all tensors are [B, T], zero off the actions, constants.

    Attributes:
        trajectories: the B rows.
        batch: their tokens.
        old_logp: log-probability of each action under the policy that is about to be updated.
        ref_logp: the same under the reference policy; `old_logp` itself where there is none.
        old_value: V(s_t) before the update; 0 where there is no critic.
        entropy: of the distribution each action was drawn from.
        token_reward, advantage, return_: filled in by the method.
    """

    trajectories: Sequence[Trajectory]
    batch: TokenBatch
    old_logp: Float[Tensor, "B T"]
    ref_logp: Float[Tensor, "B T"]
    old_value: Float[Tensor, "B T"]
    entropy: Float[Tensor, "B T"]
    token_reward: Float[Tensor, "B T"]
    advantage: Float[Tensor, "B T"]
    return_: Float[Tensor, "B T"]


@torch.no_grad()
def gather_experience(
    trajectories: Sequence[Trajectory],
    *,
    policy: Policy,
    reference: Policy | None,
    critic: Critic | None,
    max_tokens: int,
) -> list[Experience]:
    """Score trajectories under policy, reference and critic, in micro-batches of `max_tokens`.

    Without a critic, for methods whose baseline is no network, all values are 0; without a
    reference, for those without a KL, its log-probabilities are the policy's.
    """
    experiences = []
    for rows in micro_batches(trajectories, max_tokens=max_tokens):
        batch = TokenBatch.collate(rows).to(policy.device)
        hidden = policy.hidden_states(batch)
        logp, entropy = policy.action_logps(hidden, batch)
        blank = torch.zeros_like(logp)
        values = blank
        if critic is not None:
            values = torch.where(batch.action_mask, critic.values(batch, hidden), 0.0)
        ref_logp = logp
        if reference is not None:
            ref_logp, _ = reference.action_logps(reference.hidden_states(batch), batch)
        experiences.append(
            Experience(rows, batch, logp, ref_logp, values, entropy, blank, blank, blank)
        )
    return experiences


def engine_gap(experiences: Sequence[Experience], *, limit: float) -> float:
    """Mean |learner's - engine's log-probability| per action, in nats.

    The same weights gave both, so it is rounding; a large gap means that what is trained is not
    what was sampled. Raises EngineError where it exceeds `limit`.
    """
    total, num_actions = 0.0, 0
    for e in experiences:
        mask = e.batch.action_mask
        engine = torch.zeros(e.batch.token_ids.shape, device=mask.device)
        for row, sample in enumerate(e.trajectories):
            engine[row, : len(sample.logp)] = torch.tensor(sample.logp)
        total += torch.where(mask, (e.old_logp - engine[:, 1:]).abs(), 0.0).sum().item()
        num_actions += e.batch.num_actions
    gap = total / max(1, num_actions)
    if not gap <= limit:  # also where it is not a number
        raise EngineError(
            f"the engine's log-probabilities differ from the learner's by {gap:.4f} nats a token on"
            f" average, more than {limit}: the samples do not come from the policy in training. Use"
            " compute.dtype=float32 to see whether it is rounding; if it stays, report a bug."
        )
    return gap
