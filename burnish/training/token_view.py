"""What each sampled token of a trajectory was worth, for the reader of a report."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from burnish.training.experience import Experience


@dataclass(frozen=True, slots=True)
class TokenView:
    """One trajectory, action by action; all tuples have one entry per action.

    Attributes:
        problem_id: the problem it answers.
        reward: the grader's reward for the whole completion.
        token_ids: the sampled tokens.
        logp: log-probability under the policy that sampled them, in nats.
        ref_logp: the same under the reference policy.
        value: predicted value of the state before each token.
        advantage: whitened advantage.
        token_reward: reward of each token, KL penalty included.
    """

    problem_id: str
    reward: float
    token_ids: tuple[int, ...]
    logp: tuple[float, ...]
    ref_logp: tuple[float, ...]
    value: tuple[float, ...]
    advantage: tuple[float, ...]
    token_reward: tuple[float, ...]


def token_views(experience: Experience, *, num_views: int) -> list[TokenView]:
    """The first rows of a micro-batch, action by action."""
    views = []
    for row, sample in enumerate(experience.trajectories[:num_views]):
        mask = experience.batch.action_mask[row]

        def actions(values: Tensor, row: int = row, mask: Tensor = mask) -> tuple[float, ...]:
            return tuple(values[row][mask].tolist())

        ids = experience.batch.token_ids[row, 1:][mask].tolist()
        views.append(
            TokenView(
                problem_id=sample.problem_id,
                reward=sample.score.reward,
                token_ids=tuple(int(i) for i in ids),
                logp=actions(experience.old_logp),
                ref_logp=actions(experience.ref_logp),
                value=actions(experience.old_value),
                advantage=actions(experience.advantage),
                token_reward=actions(experience.token_reward),
            )
        )
    return views
