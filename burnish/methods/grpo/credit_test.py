from __future__ import annotations

from typing import Any

import pytest
import torch

from burnish.methods.grpo.advantage import (
    AnyAdvantage,
    GreedyBaseline,
    GroupCentred,
    GroupNormalised,
    LengthWeighted,
    WhitenedToGo,
)
from burnish.methods.grpo.credit import (
    OverlongConfig,
    assign_credit,
    batch_metrics,
    with_overlong_penalty,
)
from burnish.models.token_batch import TokenBatch
from burnish.training.experience import Experience
from burnish.types import Score, StopReason, Trajectory


def sample(problem: str, num_actions: int, reward: float) -> Trajectory:
    size = 2 + num_actions
    flags = (False,) * 2 + (True,) * num_actions
    blank = (0.0,) * size
    score = Score(reward, reward == 1.0, None)
    return Trajectory(problem, tuple(range(size)), flags, blank, blank, score, StopReason.EOS, "")


def experience(*rows: Trajectory) -> Experience:
    """Every action is 0.2 nats likelier than under the reference."""
    batch = TokenBatch.collate(rows)
    mask = batch.action_mask
    old_logp, ref_logp = torch.where(mask, -1.0, 0.0), torch.where(mask, -1.2, 0.0)
    blank = torch.zeros(mask.shape)
    return Experience(
        rows, batch, old_logp, ref_logp, blank, torch.where(mask, 0.7, 0.0), blank, blank, blank
    )


def micro_batches() -> list[Experience]:
    """Two problems, the samples of one of them in two micro-batches."""
    return [
        experience(sample("a", 3, 1.0), sample("b", 1, 0.0)),
        experience(sample("a", 1, 0.0), sample("b", 2, 0.0)),
    ]


def credited(advantage: AnyAdvantage, *, kl_coef: float = 0.0) -> list[Experience]:
    batches = micro_batches()
    assign_credit(batches, advantage=advantage, kl_coef=kl_coef, greedy={"a": 1.0, "b": 0.5})
    return batches


def rows(batches: list[Experience], name: str) -> list[Any]:
    values = {"reward": lambda e: e.token_reward, "advantage": lambda e: e.advantage}[name]
    return [
        pytest.approx(values(e)[row][mask].tolist(), abs=1e-6)
        for e in batches
        for row, mask in enumerate(e.batch.action_mask)
    ]


def test_reward_stands_at_the_last_action_and_the_kl_at_every_one():
    found = rows(credited(GroupCentred(), kl_coef=0.5), "reward")
    assert found == [[-0.1, -0.1, 0.9], [-0.1], [-0.1], [-0.1, -0.1]]


def test_samples_of_a_problem_are_one_group_wherever_they_stand():
    assert rows(credited(GroupCentred()), "advantage") == [[0.5] * 3, [0.0], [-0.5], [0.0] * 2]


def test_kl_in_the_reward_counts_as_part_of_the_return():
    """Returns are 0.7 and -0.1 of problem a, -0.1 and -0.2 of b."""
    found = rows(credited(GroupCentred(), kl_coef=0.5), "advantage")
    assert found == [[0.4] * 3, [0.05], [-0.4], [-0.05] * 2]


def test_greedy_answers_of_the_problem_are_the_baseline():
    found = rows(credited(GreedyBaseline()), "advantage")
    assert found == [[0.0] * 3, [-0.5], [-1.0], [-0.5] * 2]


def test_lengths_are_those_of_the_samples():
    """The baseline of problem a is 3 / 4, that of b 0."""
    found = rows(credited(LengthWeighted()), "advantage")
    assert found == [[0.25] * 3, [0.0], [-0.75], [0.0] * 2]


def test_to_go_is_what_an_action_still_leads_to():
    (e,) = [experience(sample("a", 3, 1.0))]
    assign_credit([e], advantage=WhitenedToGo(), kl_coef=0.5, greedy={})
    assert e.return_[e.batch.action_mask].tolist() == pytest.approx([0.7, 0.8, 0.9])


def test_share_of_problems_without_an_advantage_is_counted_by_problem():
    found = assign_credit(micro_batches(), advantage=GroupNormalised(), kl_coef=0.0, greedy={})
    assert found == {"group/zero_advantage": 0.5}
    alike = [experience(sample("a", 3, 0.1), sample("a", 1, 0.1), sample("a", 2, 0.1))]
    found = assign_credit(alike, advantage=GroupNormalised(), kl_coef=0.0, greedy={})
    assert found == {"group/zero_advantage": 1.0}


def test_long_answers_are_paid_less_and_the_samples_stay_as_they_were():
    before = [sample("a", 80, 1.0), sample("a", 90, 0.1), sample("b", 100, 1.0)]
    after = with_overlong_penalty(
        before, OverlongConfig(buffer_share=0.2, weight=0.5), max_length=100
    )
    assert [t.score.reward for t in after] == pytest.approx([1.0, 0.1 - 0.25, 0.5])
    assert [t.score.reward for t in before] == [1.0, 0.1, 1.0]
    assert [t.score.is_correct for t in after] == [True, False, True]


def test_kl_is_a_mean_over_samples_and_entropy_one_over_actions():
    batches = micro_batches()
    assert batch_metrics(batches, has_reference=True) == pytest.approx(
        {"rollout/entropy": 0.7, "ppo/kl": 0.2 * 7 / 4}
    )
    assert batch_metrics(batches, has_reference=False) == pytest.approx({"rollout/entropy": 0.7})
