"""The reranker's data: samples of a policy on the train and dev problems, graded, without repeats.

One step asks one batch of problems and leaves one file in `pieces/`, whole or not there; a piece
that is there is not sampled again. At the end they are joined to `train.jsonl` and `dev.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.data.tasks.task import Split
from burnish.training.collection import Collector
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Group, Problem, StopReason


class SamplesConfig(Config):
    """What is sampled; the defaults are the ReFT paper's."""

    num_samples: int = Field(default=100, ge=2)
    """Samples of each train problem, before repeats are dropped."""
    num_dev_samples: int = Field(default=16, ge=2)
    """Samples of each dev problem, on which the reranker is selected."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the samples."""
    batch_size: int = Field(default=32, ge=1)
    """Problems of one step; what a stopped run may have to sample again."""


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """One distinct completion of a problem.

    Attributes:
        problem_id: what it answers.
        text: the completion.
        is_correct: the label.
        answer: what the grader extracted, if anything.
        stop_reason: why it ended.
        count: how often it was sampled.
    """

    problem_id: str
    text: str
    is_correct: bool
    answer: str | None
    stop_reason: StopReason
    count: int


_SAMPLE = TypeAdapter(LabelledSample)


def collect_samples(
    run: StageRun, *, bench: Workbench, config: SamplesConfig, policy_folder: Path | None
) -> Iterator[StepResult]:
    """A stage that trains nothing: sample and grade, one batch of problems a step.

    Args:
        policy_folder: whose samples; None is the recipe's model.
    """
    policy = bench.load_policy(policy_folder)
    engine = bench.engine(policy)
    batches = [
        (split, problems[start : start + config.batch_size])
        for split in ("train", "dev")
        for problems in [bench.problems(split)]
        for start in range(0, len(problems), config.batch_size)
    ]
    for step in run.steps(len(batches), model=None, state={}, eval_every=1):
        split, problems = batches[step]
        num_samples = config.num_samples if split == "train" else config.num_dev_samples
        piece = _piece(run.folder, split, step)
        if not piece.exists():
            collector = Collector(
                engine=engine,
                renderer=bench.renderer(policy),
                grader=bench.grader,
                task=bench.task,
                params=bench.sampling(temperature=config.temperature),
                num_samples=num_samples,
                max_failure_share=bench.max_grader_failures,
            )
            groups = collector.collect(problems, seed=derived_seed(run.seed, split))
            write_rows(piece, distinct_samples(groups), _SAMPLE)
        samples = read_rows(piece, _SAMPLE)
        yield StepResult(_metrics(samples, problems, num_samples=num_samples))
    for split in ("train", "dev"):
        pieces = sorted((run.folder / "pieces").glob(f"{split}-*.jsonl"))
        samples = [sample for piece in pieces for sample in read_rows(piece, _SAMPLE)]
        write_rows(run.folder / f"{split}.jsonl", samples, _SAMPLE)


def read_samples(folder: Path, split: Split) -> list[LabelledSample]:
    """What the stage in `folder` collected of a split."""
    return read_rows(folder / f"{split}.jsonl", _SAMPLE)


def distinct_samples(groups: Sequence[Group]) -> list[LabelledSample]:
    """Each text of a problem once, in the order of first appearance, with its number."""
    samples: list[LabelledSample] = []
    for group in groups:
        texts = [t.text for t in group.trajectories]
        first = {t.text: t for t in reversed(group.trajectories)}
        samples += [
            LabelledSample(
                problem_id=group.problem.id,
                text=text,
                is_correct=first[text].score.is_correct,
                answer=first[text].score.answer,
                stop_reason=first[text].stop_reason,
                count=texts.count(text),
            )
            for text in dict.fromkeys(texts)
        ]
    return samples


def _metrics(
    samples: Sequence[LabelledSample], problems: Sequence[Problem], *, num_samples: int
) -> Metrics:
    num_asked = len(problems) * num_samples
    num_graded = sum(s.count for s in samples)
    num_correct = sum(s.count for s in samples if s.is_correct)
    return {
        "rollout/accuracy": num_correct / max(1, num_graded),
        "rollout/distinct": len(samples) / max(1, num_graded),
        "rollout/correct_among_distinct": sum(s.is_correct for s in samples) / max(1, len(samples)),
        "rollout/failed_to_grade": 1.0 - num_graded / num_asked,
    }


def _piece(folder: Path, split: str, step: int) -> Path:
    return folder / "pieces" / f"{split}-{step:06d}.jsonl"
