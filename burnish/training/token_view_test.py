from __future__ import annotations

import torch

from burnish.models.token_batch import TokenBatch
from burnish.training.experience import Experience
from burnish.training.token_view import TokenView, best_and_worst, token_view
from burnish.types import Score, StopReason, Trajectory


def sample(problem_id: str, *token_ids: int, num_prompt: int, reward: float) -> Trajectory:
    size = len(token_ids)
    flags = tuple(column >= num_prompt for column in range(size))
    blank = (0.0,) * size
    return Trajectory(
        problem_id, token_ids, flags, blank, blank, Score(reward, False, None), StopReason.EOS, ""
    )


def table(start: int) -> torch.Tensor:
    """[2, 4], every entry of its own."""
    return torch.arange(start, start + 8.0).reshape(2, 4)


def experience(rewards: tuple[float, float]) -> Experience:
    rows = [
        sample("a", 10, 11, 12, 13, 14, num_prompt=3, reward=rewards[0]),
        sample("b", 20, 21, num_prompt=1, reward=rewards[1]),
    ]
    return Experience(
        rows,
        TokenBatch.collate(rows),
        old_logp=table(0),
        ref_logp=table(10),
        old_value=table(20),
        entropy=table(30),
        token_reward=table(40),
        advantage=table(50),
        return_=table(60),
    )


def test_view_has_one_entry_per_action_and_none_for_prompt_or_padding():
    made = experience((0.1, 1.0))

    assert token_view(made, 0) == TokenView(
        problem_id="a",
        reward=0.1,
        token_ids=(13, 14),
        logp=(2.0, 3.0),
        ref_logp=(12.0, 13.0),
        value=(22.0, 23.0),
        advantage=(52.0, 53.0),
        token_reward=(42.0, 43.0),
    )
    second = token_view(made, 1)
    assert (second.token_ids, second.logp, second.advantage) == ((21,), (4.0,), (54.0,))


def test_the_best_and_the_worst_of_all_micro_batches_are_shown():
    views = best_and_worst([experience((0.1, 0.5)), experience((1.0, 0.0))])

    assert [(view.problem_id, view.reward) for view in views] == [("a", 1.0), ("b", 0.0)]
    assert [view.reward for view in best_and_worst([experience((0.1, 0.1))])] == [0.1]
