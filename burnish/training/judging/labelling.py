"""A stage that trains nothing: pairs of sampled answers are labelled, and the labels are kept.

One step labels one batch of pairs and leaves one file in `pieces/`, whole or not there; a piece
that is there is not labelled again. At the end they are joined to `labels.jsonl`, each label with
all that led to it, and counted in `counts.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.data.feedback.kinds import FeedbackTask, true_reward
from burnish.data.tasks.task import Task
from burnish.errors import DataError
from burnish.training.judging.label_report import LabelledPair, label_metrics, label_report
from burnish.training.judging.labels import AnswerPair, PairJudge
from burnish.training.row_files import read_rows, write_rows
from burnish.training.samples import GradedSample, samples_by_problem
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.types import Preference, Problem

LABELS_FILE = "labels.jsonl"
_LABELLED = TypeAdapter(LabelledPair)
_COUNTS = TypeAdapter(dict[str, object])


class LabelsConfig(Config):
    """Which pairs are labelled."""

    pairs_per_problem: int = Field(default=1, ge=1)
    """Pairs of different answers to each problem, at most."""
    num_labels: int | None = Field(default=None, ge=1)
    """Pairs that are labelled, from the first; default: all."""
    audit: int = Field(default=0, ge=0)
    """Of the task's own dev comparisons, so many are labelled as well, to be held against what
    people say of them. They are not learnt from."""
    batch_size: int = Field(default=32, ge=1)
    """Pairs of one step; what a stopped run may have to label again."""


@dataclass(frozen=True, slots=True)
class SampledPairs:
    """Pairs to be labelled, and what was passed over.

    Attributes:
        pairs: different answers to one problem, in the order they were sampled.
        skipped: `empty_answers`, `identical_answers` (repeats) and `problems_without_pair`.
    """

    pairs: tuple[AnswerPair, ...]
    skipped: Mapping[str, int]


def sampled_pairs(
    samples: Sequence[GradedSample], problems: Mapping[str, Problem], *, pairs_per_problem: int
) -> SampledPairs:
    """The first pairs of different answers to each problem."""
    pairs: list[AnswerPair] = []
    num_empty = num_identical = num_without = 0
    for problem_id, drawn in samples_by_problem(samples).items():
        texts = [sample.text.strip() for sample in drawn]
        said = [text for text in texts if text]
        distinct = list(dict.fromkeys(said))
        num_empty += len(texts) - len(said)
        num_identical += len(said) - len(distinct)
        num_without += len(distinct) < 2
        pairs += [
            AnswerPair(problems[problem_id], first, second)
            for first, second in list(combinations(distinct, 2))[:pairs_per_problem]
        ]
    skipped = {
        "empty_answers": num_empty,
        "identical_answers": num_identical,
        "problems_without_pair": num_without,
    }
    return SampledPairs(tuple(pairs), skipped)


def label_pairs(
    run: StageRun, sampled: SampledPairs, *, task: Task, judge: PairJudge, config: LabelsConfig
) -> Iterator[StepResult]:
    """The steps of the stage.

    Raises DataError where there is nothing to label, and where not one pair got a label.
    """
    pairs = [*sampled.pairs[: config.num_labels]]
    if not pairs:
        raise DataError(
            f"{run.folder}: no problem has two different answers (passed over: "
            f"{dict(sampled.skipped)}), so there is nothing to compare. Sample more "
            "(`sample.samples_per_problem`), or at a higher `sample.temperature`."
        )
    audited = audit_pairs(task, config.audit)
    asked = [(pair, None) for pair in pairs] + audited
    starts = range(0, len(asked), config.batch_size)
    for step in run.steps(len(starts), model=None, state={}, eval_every=1):
        piece = run.folder / "pieces" / f"{step:06d}.jsonl"
        if not piece.exists():
            batch = asked[starts[step] : starts[step] + config.batch_size]
            labels = judge.label(
                [pair for pair, _ in batch], seed=derived_seed(run.seed, "label", step)
            )
            rows = [
                _labelled(pair, people, task).with_label(label)
                for (pair, people), label in zip(batch, labels, strict=True)
            ]
            write_rows(piece, rows, _LABELLED)
        yield StepResult(label_metrics(read_rows(piece, _LABELLED)))
    pieces = sorted((run.folder / "pieces").glob("*.jsonl"))
    labelled = [row for piece in pieces for row in read_rows(piece, _LABELLED)]
    write_rows(run.folder / LABELS_FILE, labelled, _LABELLED)
    report: dict[str, object] = {**label_report(labelled), **sampled.skipped}
    write_rows(run.folder / "counts.json", [report], _COUNTS)
    if not any(row.is_learnt for row in labelled):
        raise DataError(
            f"{run.folder}: the judge labelled none of {len(pairs)} pairs (why: "
            f"{report['unlabelled']}); {LABELS_FILE} has what it was asked. Look at "
            "`judge.prompt`: its options must be what the judge goes on with; give it examples "
            "(`judge.prompt.examples`), or take another judge."
        )


def audit_pairs(task: Task, num: int) -> list[tuple[AnswerPair, float | None]]:
    """Pairs that people have compared, with the probability by them that the first is better.

    The better answer stands in either place by turns.
    """
    if not num or not isinstance(task, FeedbackTask):
        return []
    found: list[tuple[AnswerPair, float | None]] = []
    for number, row in enumerate(task.feedback("comparisons", "dev").rows[:num]):
        assert isinstance(row, Preference)
        chosen, rejected = row.chosen.strip(), row.rejected.strip()
        if number % 2:
            pair = AnswerPair(row.problem, rejected, chosen)
            found.append((pair, 1.0 - row.probability))
        else:
            found.append((AnswerPair(row.problem, chosen, rejected), row.probability))
    return found


def read_labels(folder: Path) -> list[LabelledPair]:
    """What the stage in `folder` has labelled, audited pairs and those without a label included."""
    return read_rows(folder / LABELS_FILE, _LABELLED)


def ai_preferences(
    labelled: Sequence[LabelledPair], problems: Mapping[str, Problem], *, weight: float = 1.0
) -> list[Preference]:
    """The labels to be learnt from, as comparisons with a soft label and their source."""
    found = []
    for row in labelled:
        p = row.label.probability
        if p is None or not row.is_learnt:
            continue
        chosen, rejected = (row.first, row.second) if p >= 0.5 else (row.second, row.first)
        found.append(
            Preference(
                problems[row.problem_id],
                chosen,
                rejected,
                probability=max(p, 1.0 - p),
                source=f"ai:{row.label.judge}",
                weight=weight,
            )
        )
    return found


def _labelled(pair: AnswerPair, people: float | None, task: Task) -> LabelledPair:
    first = true_reward(task, pair.problem, pair.first)
    second = true_reward(task, pair.problem, pair.second)
    gold = (first["reward"], second["reward"]) if first and second else None
    return LabelledPair(pair.problem.id, pair.first, pair.second, people=people, gold=gold)
