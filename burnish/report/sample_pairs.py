"""Answers of different stages to the same problem, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burnish.report.run_files import Row, as_number
from burnish.report.sample_rows import (
    as_text,
    by_problem,
    by_stage,
    first_and_last_step,
    last_step_row,
    step_of,
)
from burnish.report.wording import compact, label

_SPLITS = ("test", "dev", "train")
_WANTED = {"gained": 4, "kept": 2, "lost": 2, "missed": 2}


@dataclass(frozen=True, slots=True)
class Answer:
    """One sampled answer: whose it is, its text, and what the grader said."""

    stage: str
    title: str
    text: str
    extracted: str
    reward: str
    is_correct: bool
    stop_reason: str


@dataclass(frozen=True, slots=True)
class SamePrompt:
    """One problem with the answers of several stages (or of several steps of one stage)."""

    problem_id: str
    split: str
    prompt: str
    gold: str
    outcome: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class SamplePairs:
    """The problems shown, and how many there were of each outcome among all comparable ones."""

    shown: tuple[SamePrompt, ...]
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many problems have answers of more than one stage or step."""
        return sum(self.counts.values())


def sample_pairs(samples: Sequence[Row]) -> SamplePairs:
    """Problems answered before and after, first to last stage.

    Takes the test split where it has such problems, else dev, else train. A problem's outcome
    compares its first and its last answer: gained (wrong, then right), lost, kept (right twice),
    missed (wrong twice). Shown are the first few of each, so that losses stay visible.
    """
    for split in _SPLITS:
        groups = by_problem(row for row in samples if row.get("split", "train") == split)
        problems = [p for rows in groups if (p := _same_prompt(rows, split)) is not None]
        if problems:
            return _chosen(problems)
    return SamplePairs((), {})


def _same_prompt(rows: Sequence[Row], split: str) -> SamePrompt | None:
    """The problem's answers, one per stage; None where there is nothing to compare."""
    picked = [last_step_row(found) for found in by_stage(rows)]
    if len(picked) < 2:
        picked = first_and_last_step(rows)
    if len(picked) < 2:
        return None
    first, last = bool(picked[0].get("is_correct")), bool(picked[-1].get("is_correct"))
    outcome = {(0, 1): "gained", (1, 1): "kept", (1, 0): "lost", (0, 0): "missed"}[first, last]
    several = len({row.get("stage") for row in picked}) == 1
    return SamePrompt(
        problem_id=str(rows[0].get("problem_id", "")),
        split=split,
        prompt=str(rows[0].get("prompt", "")).strip(),
        gold=as_text(rows[0].get("gold")),
        outcome=outcome,
        answers=tuple(_answer(row, with_step=several) for row in picked),
    )


def _answer(row: Row, *, with_step: bool) -> Answer:
    stage = str(row.get("stage", ""))
    step = f", step {step_of(row):.0f}" if with_step else ""
    reward = as_number(row.get("reward"))
    return Answer(
        stage=stage,
        title=label(stage) + step,
        text=str(row.get("text", "")).strip("\n"),
        extracted=as_text(row.get("answer")),
        reward="" if reward is None else compact(reward),
        is_correct=bool(row.get("is_correct")),
        stop_reason=str(row.get("stop_reason", "")),
    )


def _chosen(problems: Sequence[SamePrompt]) -> SamplePairs:
    by_outcome = {kind: [p for p in problems if p.outcome == kind] for kind in _WANTED}
    shown = [p for kind, most in _WANTED.items() for p in by_outcome[kind][:most]]
    return SamplePairs(tuple(shown), {kind: len(found) for kind, found in by_outcome.items()})
