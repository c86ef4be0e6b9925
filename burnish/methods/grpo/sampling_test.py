from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from burnish.methods.grpo.sampling import (
    DynamicSamplingConfig,
    Sampled,
    sample_groups,
    trajectories_of,
    with_greedy_answers,
)
from burnish.rollout.engine import SamplingParams
from burnish.training.problem_stream import ProblemStream
from burnish.types import Group, Problem, Score, StopReason, Trajectory

PROBLEMS = [Problem(str(n), f"{n}?", str(n)) for n in range(6)]


def sample(name: str, right: bool, reward: float, stop: StopReason = StopReason.EOS) -> Trajectory:
    blank = (0.0, 0.0)
    score = Score(reward, right, None)
    return Trajectory(name, (1, 2), (False, True), blank, blank, score, stop, "")


@dataclass(frozen=True)
class Scripted:
    """A collector whose even problems are solved by some samples, all others by none."""

    num_samples: int = 2
    params: SamplingParams = SamplingParams(max_tokens=9)  # noqa: RUF009 frozen
    asked: list[tuple[str, int]] = field(default_factory=list)

    def collect(self, problems, *, seed):
        self.asked.extend((problem.id, seed) for problem in problems)
        return [self._group(problem) for problem in problems]

    def _group(self, problem):
        if self.params.temperature == 0:
            rows = [sample(problem.id, False, 0.25)] if problem.id != "4" else []
        else:
            some = int(problem.id) % 2 == 0
            rows = [sample(problem.id, some, float(some)), sample(problem.id, False, 0.1)]
        return Group(problem, tuple(rows))

    def metrics(self, groups):
        return {"asked": float(len(groups))}


def sampled(dynamic, batch_size: int = 3) -> tuple[Sampled, Scripted, ProblemStream]:
    collector, stream = Scripted(), ProblemStream(PROBLEMS, seed=1)
    found = sample_groups(collector, stream, batch_size=batch_size, dynamic=dynamic, seed=7)
    return found, collector, stream


def test_without_dynamic_sampling_the_next_problems_are_the_batch():
    found, collector, stream = sampled(None)
    assert [g.problem.id for g in found.groups] == [name for name, _ in collector.asked]
    assert (len(found.groups), stream.num_drawn) == (3, 3)
    assert found.metrics == {"asked": 3.0, "group/rounds": 1.0, "group/kept": 1.0}


def test_dynamic_sampling_asks_for_as_many_as_are_wanted_until_the_batch_is_full():
    found, collector, stream = sampled(DynamicSamplingConfig())
    assert len(found.groups) == 3
    assert all(int(g.problem.id) % 2 == 0 for g in found.groups)
    assert stream.num_drawn == len(collector.asked)
    assert found.metrics["asked"] == len(collector.asked)
    assert found.metrics["group/kept"] == pytest.approx(3 / len(collector.asked))
    assert len({seed for _, seed in collector.asked}) == found.metrics["group/rounds"] > 1


def test_groups_with_unequal_rewards_can_be_enough():
    groups = [
        Group(PROBLEMS[0], (sample("0", False, 0.0), sample("0", False, 0.1))),
        Group(PROBLEMS[1], (sample("1", False, 0.1), sample("1", True, 0.1))),
        Group(PROBLEMS[2], ()),
    ]
    by_right, by_reward = DynamicSamplingConfig(), DynamicSamplingConfig(keep="unequal")
    assert [by_right.keeps(group) for group in groups] == [False, True, False]
    assert [by_reward.keeps(group) for group in groups] == [True, False, False]


def test_problems_whose_greedy_answer_cannot_be_graded_are_left_out():
    found, collector, _ = sampled(None, batch_size=6)
    greedy = with_greedy_answers(found, collector, SamplingParams(9, temperature=0.0), seed=1)
    assert greedy.greedy == dict.fromkeys(("0", "1", "2", "3", "5"), 0.25)
    assert {g.problem.id for g in greedy.groups} == set(greedy.greedy)


def test_cut_answers_are_dropped_on_demand():
    cut = sample("0", False, 0.0, StopReason.LENGTH)
    groups = [Group(PROBLEMS[0], (cut, sample("0", True, 1.0)))]
    assert len(trajectories_of(groups, "graded")) == 2
    assert [t.score.reward for t in trajectories_of(groups, "dropped")] == [1.0]
    assert trajectories_of([replace(groups[0], trajectories=(cut,))], "dropped") == []
