"""Graded samples of a model that stays as it is, as data for a later stage.

One step asks one batch of problems and leaves one file in `pieces/`, whole or not there; a piece
that is there is not sampled again. At the end they are joined to `samples.jsonl`.

Problems are asked in passes: a pass asks each of them for the same number of samples, until every
problem has as many as it should, or the tokens of the stage are spent. So a budget in tokens is
spread evenly over the problems, and is overdrawn by one step at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.models.policy import Policy
from burnish.rollout.engine import SamplingParams
from burnish.training.collection import Collector
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Example, Problem, Score, StopReason, Trajectory


class SampleDataConfig(Config):
    """What one round samples."""

    num_problems: int | None = Field(default=None, ge=1)
    """Train problems that are asked, in an order of their own each round; default: all."""
    samples_per_problem: int = Field(default=32, ge=1)
    """Samples of each of them, at most."""
    samples_per_pass: int | None = Field(default=None, ge=1)
    """Samples of each problem before the next problem is asked again; with `max_tokens_total` a
    small number spreads the budget over all problems. Default: all at once."""
    max_tokens_total: int | None = Field(default=None, ge=1)
    """Sampled tokens of the round: once they are spent nothing more is asked, so that rounds of
    different methods can be compared. Default: no limit."""
    temperature: float = Field(default=0.7, gt=0)
    """Of the samples."""
    top_k: int = Field(default=40, ge=0)
    """Drawn from are the k most likely tokens; 0: all."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Drawn from are the likeliest tokens that together have this probability; 1: all."""
    batch_size: int = Field(default=32, ge=1)
    """Problems of one step; what a stopped run may have to sample again."""

    def params(self, bench: Workbench) -> SamplingParams:
        """The distribution that is drawn from."""
        whole = bench.sampling(temperature=self.temperature)
        return replace(whole, top_k=self.top_k, top_p=self.top_p)


@dataclass(frozen=True, slots=True)
class GradedSample:
    """One completion, as it was sampled, with its verdict.

    Attributes:
        problem_id: what it answers.
        prompt_ids, token_ids: prompt, and completion with its EOS where it has one.
        text: the completion, for people and judges.
        score: the grader's verdict.
        stop_reason: why it ended.
    """

    problem_id: str
    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    text: str
    score: Score
    stop_reason: StopReason

    def example(self) -> Example:
        """To be learnt are the sampled tokens, and no others."""
        return Example(
            problem_id=self.problem_id,
            token_ids=self.prompt_ids + self.token_ids,
            is_action=(False,) * len(self.prompt_ids) + (True,) * len(self.token_ids),
        )


_SAMPLE = TypeAdapter(GradedSample)


def sample_of(trajectory: Trajectory) -> GradedSample:
    """A graded trajectory of one turn without what only a learner of its own needs."""
    start = trajectory.is_action.index(True)
    return GradedSample(
        problem_id=trajectory.problem_id,
        prompt_ids=trajectory.token_ids[:start],
        token_ids=trajectory.token_ids[start:],
        text=trajectory.text,
        score=trajectory.score,
        stop_reason=trajectory.stop_reason,
    )


def collect_samples(
    run: StageRun, *, bench: Workbench, policy: Policy, config: SampleDataConfig
) -> Iterator[StepResult]:
    """The steps of a stage that trains nothing: sample and grade, one batch of problems a step.

    `read_samples` has what was collected once the steps are done. Samples that could not be graded
    are left out, of the count of tokens, too.
    """
    problems = bench.problems("train")
    num_problems = config.num_problems or len(problems)
    order = batch_indices(len(problems), 0, batch_size=num_problems, seed=run.seed)
    batches = asked_batches([problems[row] for row in order], config)
    collector = _collector(bench, policy, config)
    drawn = [_drawn(read_rows(piece, _SAMPLE)) for piece in _pieces(run.folder)]
    for step in run.steps(len(batches), model=None, state={}, eval_every=1):
        asked, num_samples = batches[step]
        if step == len(drawn):
            if _is_spent(drawn, config.max_tokens_total):
                run.num_done = step  # this one is not made
                break
            groups = replace(collector, num_samples=num_samples).collect(
                asked, seed=derived_seed(run.seed, "rollout", step)
            )
            rows = [sample_of(t) for group in groups for t in group.trajectories]
            write_rows(_piece(run.folder, step), rows, _SAMPLE)
            drawn.append(_drawn(rows))
        samples = read_rows(_piece(run.folder, step), _SAMPLE)
        found = sample_metrics(samples, num_asked=len(asked) * num_samples)
        yield StepResult(found | _so_far(drawn[: step + 1], num_problems=len(set(order))))
    everything = [row for piece in _pieces(run.folder) for row in read_rows(piece, _SAMPLE)]
    write_rows(run.folder / "samples.jsonl", everything, _SAMPLE)


def read_samples(folder: Path) -> list[GradedSample]:
    """What the stage in `folder` has sampled, in the order it was asked."""
    return read_rows(folder / "samples.jsonl", _SAMPLE)


def samples_by_problem(samples: Sequence[GradedSample]) -> dict[str, list[GradedSample]]:
    """The samples of each problem, problems and samples in the order of first appearance."""
    found: dict[str, list[GradedSample]] = {}
    for sample in samples:
        found.setdefault(sample.problem_id, []).append(sample)
    return found


def asked_batches(
    problems: Sequence[Problem], config: SampleDataConfig
) -> list[tuple[Sequence[Problem], int]]:
    """The problems of each step with the samples that each of them is asked for, pass by pass."""
    num_wanted = config.samples_per_problem
    per_pass = min(config.samples_per_pass or num_wanted, num_wanted)
    batches: list[tuple[Sequence[Problem], int]] = []
    for done in range(0, num_wanted, per_pass):
        num_samples = min(per_pass, num_wanted - done)
        starts = range(0, len(problems), config.batch_size)
        batches += [(problems[at : at + config.batch_size], num_samples) for at in starts]
    return batches


def sample_metrics(samples: Sequence[GradedSample], *, num_asked: int) -> Metrics:
    """Means over samples.

    Args:
        num_asked: samples that were drawn, of which some may have failed to be graded.
    """
    metrics: Metrics = {"rollout/failed_to_grade": 1.0 - len(samples) / num_asked}
    if not samples:
        return metrics
    return metrics | {
        "rollout/reward": fmean(s.score.reward for s in samples),
        "rollout/accuracy": fmean(s.score.is_correct for s in samples),
        "rollout/answered": fmean(s.score.answer is not None for s in samples),
        "rollout/length": fmean(len(s.token_ids) for s in samples),
        "rollout/truncated": fmean(s.stop_reason is StopReason.LENGTH for s in samples),
    }


def _collector(bench: Workbench, policy: Policy, config: SampleDataConfig) -> Collector:
    return Collector(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        grader=bench.grader,
        task=bench.task,
        params=config.params(bench),
        num_samples=config.samples_per_problem,
        max_failure_share=bench.max_grader_failures,
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What one step has drawn: its tokens, and the problems that were answered rightly."""

    num_tokens: int
    right: frozenset[str]


def _drawn(samples: Sequence[GradedSample]) -> _Drawn:
    return _Drawn(
        sum(len(sample.token_ids) for sample in samples),
        frozenset(sample.problem_id for sample in samples if sample.score.is_correct),
    )


def _is_spent(drawn: Sequence[_Drawn], budget: int | None) -> bool:
    return budget is not None and sum(step.num_tokens for step in drawn) >= budget


def _so_far(drawn: Sequence[_Drawn], *, num_problems: int) -> Metrics:
    """Sums over the steps that were made: tokens, and the share of problems with a right sample."""
    right = frozenset().union(*(step.right for step in drawn))
    return {
        "rollout/sampled_tokens": float(sum(step.num_tokens for step in drawn)),
        "rollout/covered": len(right) / num_problems,
    }


def _pieces(folder: Path) -> list[Path]:
    """Those that are there; they are made in order."""
    return sorted((folder / "pieces").glob("*.jsonl"))


def _piece(folder: Path, step: int) -> Path:
    return folder / "pieces" / f"{step:06d}.jsonl"
