"""Attempts of a model that stays as it is, as data for a later stage.

One step asks one batch of problems and leaves one file in `pieces/`, whole or not there; a piece
that is there is not sampled again. At the end they are joined to `chains.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.training.attempts import AttemptCollector
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.types import Problem, Trajectory, Turn


class AttemptDataConfig(Config):
    """What is sampled: `num_problems` times `samples_per_problem` chains, exactly."""

    num_problems: int | None = Field(default=None, ge=1)
    """Problems that are asked, in an order of their own each time the model is sampled; more than
    the train split has: some twice. Default: every train problem once."""
    samples_per_problem: int = Field(default=8, ge=1)
    """Chains of attempts sampled for each of them."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the samples."""
    batch_size: int = Field(default=32, ge=1)
    """Problems of one step; what a stopped run may have to sample again."""


@dataclass(frozen=True, slots=True)
class SampledChain:
    """The attempts of one sample, all graded.

    Attributes:
        problem_id: what they answer.
        turns: the attempts; each is `token_ids[start:stop]`.
        token_ids: prompt, first attempt, instruction, second attempt and so on.
    """

    problem_id: str
    turns: tuple[Turn, ...]
    token_ids: tuple[int, ...]


_CHAIN = TypeAdapter(SampledChain)


def chain_of(sample: Trajectory) -> SampledChain:
    """A graded sample without what only a learner of its own needs."""
    return SampledChain(sample.problem_id, sample.turns, sample.token_ids)


def collect_chains(
    run: StageRun,
    collector: AttemptCollector,
    problems: Sequence[Problem],
    config: AttemptDataConfig,
) -> Iterator[StepResult]:
    """The steps of a stage that trains nothing: sample and grade, one batch of problems a step.

    `read_chains` has what was collected once the steps are done.
    """
    num_problems = config.num_problems or len(problems)
    asked = batch_indices(len(problems), 0, batch_size=num_problems, seed=run.seed)
    starts = range(0, num_problems, config.batch_size)
    for step in run.steps(len(starts), model=None, state={}, eval_every=1):
        rows = asked[starts[step] : starts[step] + config.batch_size]
        piece = _piece(run.folder, step)
        if not piece.exists():
            groups = collector.collect(
                [problems[row] for row in rows], seed=derived_seed(run.seed, "rollout", step)
            )
            write_rows(piece, [chain_of(t) for group in groups for t in group.trajectories], _CHAIN)
        num_asked = len(rows) * config.samples_per_problem
        yield StepResult(chain_metrics(read_rows(piece, _CHAIN), num_asked=num_asked))
    pieces = [_piece(run.folder, step) for step in range(len(starts))]
    everything = [chain for piece in pieces for chain in read_rows(piece, _CHAIN)]
    write_rows(run.folder / "chains.jsonl", everything, _CHAIN)


def read_chains(folder: Path) -> list[SampledChain]:
    """What the stage in `folder` has sampled, kept or not."""
    return read_rows(folder / "chains.jsonl", _CHAIN)


def chain_metrics(chains: Sequence[SampledChain], *, num_asked: int) -> Metrics:
    """Means over chains, by attempt and from the first to the second, named as in SCoRe's stages.

    Args:
        num_asked: chains that were sampled, of which some may have failed to be graded.
    """
    metrics: Metrics = {
        "rollout/chains": float(num_asked),
        "rollout/failed_to_grade": 1.0 - len(chains) / num_asked,
    }
    if not chains:
        return metrics
    by_turn = zip(*(chain.turns for chain in chains), strict=True)
    for number, turns in enumerate(by_turn, start=1):
        metrics[f"rollout/accuracy_t{number}"] = fmean(turn.score.is_correct for turn in turns)
        metrics[f"rollout/truncated_t{number}"] = fmean(turn.is_truncated for turn in turns)
        metrics[f"rollout/length_t{number}"] = fmean(turn.stop - turn.start for turn in turns)
    return metrics


def _piece(folder: Path, step: int) -> Path:
    return folder / "pieces" / f"{step:06d}.jsonl"
