"""From problems to graded trajectories: sample, grade, keep what could be graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Task
from burnish.errors import GraderError
from burnish.graders.grader import Grader
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.training.seeds import derived_seed
from burnish.types import Completion, GraderFailure, Group, Problem, Score, Trajectory


@dataclass(frozen=True, slots=True)
class Collector:
    """Samples `num_samples` completions a problem and has them graded.

    Attributes:
        engine, renderer, grader, task: what samples, tokenises, judges and describes.
        params: the distribution to draw from.
        num_samples: G, completions of each problem.
        max_failure_share: more ungradable samples than this share of a batch stop the run.
    """

    engine: Engine
    renderer: Renderer
    grader: Grader
    task: Task
    params: SamplingParams
    num_samples: int
    max_failure_share: float = 0.1

    def collect(self, problems: Sequence[Problem], *, seed: int) -> list[Group]:
        """One group per problem; samples that could not be graded are left out and counted.

        Raises GraderError where too many fail.
        """
        requests = [
            Request(
                self.renderer.prompt_ids(problem),
                tuple(
                    derived_seed(seed, place, problem.id, sample)
                    for sample in range(self.num_samples)
                ),
            )
            for place, problem in enumerate(problems)
        ]
        completions = self.engine.sample(requests, self.params)
        pairs = [
            (problem, completion)
            for problem, group in zip(problems, completions, strict=True)
            for completion in group
        ]
        verdicts = self.grader.grade(pairs)
        self._check_failures([v for v in verdicts if isinstance(v, GraderFailure)], len(verdicts))
        judged = iter(zip(pairs, verdicts, strict=True))
        groups = []
        for problem in problems:
            rows = [next(judged) for _ in range(self.num_samples)]
            graded = [
                trajectory(problem, completion, verdict)
                for (_, completion), verdict in rows
                if isinstance(verdict, Score)
            ]
            groups.append(Group(problem, tuple(graded)))
        return groups

    def metrics(self, groups: Sequence[Group]) -> dict[str, float]:
        """What a batch of samples looks like: means over its trajectories."""
        pairs = [(group.problem, t) for group in groups for t in group.trajectories]
        if not pairs:
            return {}
        columns: dict[str, list[float]] = {}
        for problem, sample in pairs:
            facts = {**_facts(sample), **self.task.traits(problem, sample.text)}
            for name, value in facts.items():
                columns.setdefault(name, []).append(value)
        metrics = {f"rollout/{name}": sum(v) / len(v) for name, v in columns.items()}
        expected = len(groups) * self.num_samples
        metrics["rollout/failed_to_grade"] = 1.0 - len(pairs) / expected
        metrics["rollout/equal_groups"] = sum(map(_is_equal, groups)) / len(groups)
        return metrics

    def _check_failures(self, failures: Sequence[GraderFailure], num_samples: int) -> None:
        if len(failures) <= self.max_failure_share * num_samples:
            return
        kinds = Counter(failure.kind for failure in failures)
        raise GraderError(
            f"{len(failures)} of {num_samples} samples could not be graded ({dict(kinds)}); the "
            f"first: {failures[0].message} Mend the grader, then continue with --resume."
        )


def trajectory(problem: Problem, completion: Completion, score: Score) -> Trajectory:
    """The tokens of a graded completion, as they were sampled."""
    blank = (0.0,) * len(completion.prompt_ids)
    return Trajectory(
        problem_id=problem.id,
        token_ids=completion.prompt_ids + completion.token_ids,
        is_action=(False,) * len(completion.prompt_ids) + (True,) * len(completion.token_ids),
        logp=blank + completion.logp,
        sampler_logp=blank + completion.sampler_logp,
        score=score,
        stop_reason=completion.stop_reason,
        text=completion.text,
    )


def _facts(sample: Trajectory) -> Mapping[str, float]:
    return {
        "reward": sample.score.reward,
        "accuracy": float(sample.score.is_correct),
        "answered": float(sample.score.answer is not None),
        "length": float(sum(sample.is_action)),
        "truncated": float(sample.is_truncated),
    }


def _is_equal(group: Group) -> bool:
    """Nothing to choose between: all samples of the problem earn the same."""
    return len({t.score.reward for t in group.trajectories}) <= 1
