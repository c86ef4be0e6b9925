from __future__ import annotations

from dataclasses import replace

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.evaluation.judged_duels import duel_metrics
from burnish.training.candidate_pairs import Judgement
from burnish.training.samples import GradedSample
from burnish.types import Score, StopReason

SCORES = {"low": 0.1, "high": 0.9, "none": None}


class Judges:
    def judge(self, problems, candidates, *, seed):
        assert [p.id for p in problems] == [c.problem_id for c in candidates]
        return [Judgement(SCORES[candidate.text], 3) for candidate in candidates]


def test_share_of_duels_is_of_those_that_are_decided(attempts_bench):
    bench = replace(
        attempts_bench, task=RepliesTask(train_size=2, dev_size=4, test_size=2), num_dev=4
    )

    def answers(*texts: str) -> list[GradedSample]:
        return [
            GradedSample(p.id, (1,), (2, 3), text, Score(0.5, False, None), StopReason.EOS)
            for p, text in zip(bench.dev_problems(), texts, strict=True)
        ]

    before = answers("low", "high", "high", "low")
    found = duel_metrics(bench, Judges(), before, answers("high", "low", "high", "none"))
    assert found == {
        "dev/win_rate": pytest.approx((1 + 0 + 0.5) / 3),
        "dev/undecided": 0.25,
        "dev/length": 2.0,
        "dev/judge_tokens": 24.0,
    }
