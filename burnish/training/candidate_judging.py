"""One round of judging: candidates of a model are sampled, scored by a judge, and paired.

What Self-Rewarding and iterative DPO share; who judges is the method's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Protocol

from pydantic import Field, TypeAdapter

from burnish.training.candidate_pairs import Candidate, Judgement
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.samples import GradedSample, SampleDataConfig, samples_by_problem
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.types import Problem

_JUDGEMENT = TypeAdapter(Judgement)


class CandidatesConfig(SampleDataConfig):
    """What one round samples; the defaults are the Self-Rewarding paper's."""

    samples_per_problem: int = Field(default=4, ge=2)
    """N: candidates of each problem, at most; the paper: 4."""
    top_k: int = Field(default=0, ge=0)
    """Drawn from are the k most likely tokens; 0: all."""
    top_p: float = Field(default=0.9, gt=0, le=1)
    """Drawn from are the likeliest tokens that together have this probability; 1: all."""


class CandidateJudge(Protocol):
    """Scores candidates of one batch of problems."""

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        """One judgement of each candidate, in order; `problems[i]` is what candidate i answers."""
        ...


class GraderJudge:
    """The verdict that every sample has anyway; it costs nothing."""

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        """What the grader has paid."""
        return [Judgement(candidate.score.reward) for candidate in candidates]


def judge_candidates(
    run: StageRun,
    samples: Sequence[GradedSample],
    *,
    problems: Mapping[str, Problem],
    judge: CandidateJudge,
    batch_size: int,
) -> Iterator[StepResult]:
    """The steps of a stage that trains nothing; `judged_candidates` has what was said.

    One step judges one batch of problems and leaves one file in `pieces/`, whole or not there; a
    piece that is there is not judged again.

    Args:
        problems: by id.
        batch_size: problems of a step.
    """
    groups = [*samples_by_problem(samples).values()]
    starts = range(0, len(groups), batch_size)
    for step in run.steps(len(starts), model=None, state={}, eval_every=1):
        batch = _flat(groups[starts[step] : starts[step] + batch_size])
        piece = _piece(run.folder, step)
        if not piece.exists():
            judgements = judge.judge(
                [problems[candidate.problem_id] for candidate in batch],
                batch,
                seed=derived_seed(run.seed, "judge", step),
            )
            write_rows(piece, judgements, _JUDGEMENT)
        yield StepResult(judge_metrics(batch, read_rows(piece, _JUDGEMENT)))


def judged_candidates(folder: Path, samples: Sequence[GradedSample]) -> list[list[Candidate]]:
    """The candidates of each problem, with what the stage in `folder` has found of them."""
    pieces = sorted((folder / "pieces").glob("*.jsonl"))
    said = iter([row for piece in pieces for row in read_rows(piece, _JUDGEMENT)])
    groups = samples_by_problem(samples).values()
    return [[Candidate(sample, next(said)) for sample in group] for group in groups]


def judge_metrics(candidates: Sequence[GradedSample], judgements: Sequence[Judgement]) -> Metrics:
    """Of one batch: how much could be read, and how far right answers are above wrong ones."""
    scored = [
        (judgement.score, candidate.score.is_correct)
        for candidate, judgement in zip(candidates, judgements, strict=True)
        if judgement.score is not None
    ]
    metrics: Metrics = {"judge/readable": len(scored) / len(judgements)}
    if scored:
        metrics["judge/score"] = fmean(score for score, _ in scored)
    for name, wanted in (("right", True), ("wrong", False)):
        scores = [score for score, is_right in scored if is_right is wanted]
        if scores:
            metrics[f"judge/score_of_{name}"] = fmean(scores)
    return metrics


def _flat(groups: Sequence[Sequence[GradedSample]]) -> list[GradedSample]:
    return [candidate for group in groups for candidate in group]


def _piece(folder: Path, step: int) -> Path:
    return folder / "pieces" / f"{step:06d}.jsonl"
