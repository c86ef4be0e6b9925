"""What a step samples: groups of answers, asked again for where they teach nothing (DAPO)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.rollout.engine import SamplingParams
from burnish.training.collection import Collector
from burnish.training.learner import Metrics
from burnish.training.problem_stream import ProblemStream
from burnish.training.seeds import derived_seed
from burnish.types import Group, Trajectory


class DynamicSamplingConfig(Config):
    """Ask further problems in place of those whose samples are all alike (DAPO)."""

    keep: Literal["some_right", "unequal"] = "some_right"
    """some_right: groups with 0 < right samples < G, the paper's; unequal: groups whose rewards
    differ, as where partial credit is paid."""
    max_rounds: int = Field(default=10, ge=1)
    """Times that problems are asked in one step, at most; each asks as many as are still wanted.
    Then the step learns from the groups it has."""

    def keeps(self, group: Group) -> bool:
        """Whether there is something to choose between."""
        if self.keep == "some_right":
            return len({t.score.is_correct for t in group.trajectories}) > 1
        return len({t.score.reward for t in group.trajectories}) > 1


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a step has to learn from.

    Attributes:
        groups: one a problem.
        greedy: reward of the greedy answer by problem id; empty where none was asked for.
        metrics: of all samples, those that are not learnt from among them.
    """

    groups: Sequence[Group]
    greedy: dict[str, float]
    metrics: Metrics


def sample_groups(
    collector: Collector,
    stream: ProblemStream,
    *,
    batch_size: int,
    dynamic: DynamicSamplingConfig | None,
    seed: int,
) -> Sampled:
    """Groups of the next problems; with `dynamic`, only such as teach something.

    `group/rounds` says how often was asked, `group/kept` which share of the groups is learnt from.
    """
    asked: list[Group] = []
    kept: list[Group] = []
    rounds = 0
    while len(kept) < batch_size and rounds < (dynamic.max_rounds if dynamic else 1):
        problems = stream.draw(batch_size - len(kept))
        groups = collector.collect(problems, seed=derived_seed(seed, rounds))
        stream.observe(groups)
        asked += groups
        kept += [group for group in groups if dynamic is None or dynamic.keeps(group)]
        rounds += 1
    metrics = collector.metrics(asked) | stream.metrics()
    metrics |= {"group/rounds": float(rounds), "group/kept": len(kept) / len(asked)}
    return Sampled(kept, {}, metrics)


def with_greedy_answers(
    sampled: Sampled, collector: Collector, params: SamplingParams, *, seed: int
) -> Sampled:
    """The same with the reward of the greedy answer to each problem (ReMax).

    A problem whose greedy answer could not be graded is left out.

    Args:
        params: of greedy decoding.
    """
    problems = [group.problem for group in sampled.groups]
    answers = replace(collector, params=params, num_samples=1).collect(problems, seed=seed)
    greedy = {a.problem.id: a.trajectories[0].score.reward for a in answers if a.trajectories}
    groups = [group for group in sampled.groups if group.problem.id in greedy]
    return replace(sampled, groups=groups, greedy=greedy)


def trajectories_of(
    groups: Sequence[Group], truncated: Literal["graded", "dropped"]
) -> list[Trajectory]:
    """The samples to learn from; dropped are those that the token limit cut off."""
    return [
        t
        for group in groups
        for t in group.trajectories
        if truncated == "graded" or not t.is_truncated
    ]
