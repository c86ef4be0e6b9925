"""What each sampled token of a trajectory was worth, for the reader of a report."""

from __future__ import annotations

from collections.abc import Sequence
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


def best_and_worst(experiences: Sequence[Experience]) -> list[TokenView]:
    """Views of the sample with the highest and of that with the lowest reward; one if all tie."""
    places = [(e, row) for e in experiences for row in range(len(e.trajectories))]
    best = max(places, key=_reward)
    worst = min(places, key=_reward)
    return [token_view(*best)] + ([token_view(*worst)] if _reward(worst) < _reward(best) else [])


def token_view(experience: Experience, row: int) -> TokenView:
    """One row of a micro-batch, action by action."""
    sample = experience.trajectories[row]
    mask = experience.batch.action_mask[row]

    def actions(values: Tensor) -> tuple[float, ...]:
        return tuple(values[row][mask].tolist())

    return TokenView(
        problem_id=sample.problem_id,
        reward=sample.score.reward,
        token_ids=tuple(int(i) for i in experience.batch.token_ids[row, 1:][mask].tolist()),
        logp=actions(experience.old_logp),
        ref_logp=actions(experience.ref_logp),
        value=actions(experience.old_value),
        advantage=actions(experience.advantage),
        token_reward=actions(experience.token_reward),
    )


def _reward(place: tuple[Experience, int]) -> float:
    experience, row = place
    return experience.trajectories[row].score.reward
