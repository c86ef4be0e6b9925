"""`feedback_rows`: your own feedback, as JSON lines in any of the formats that are known.

The prompts of the rows are the problems, so that a policy can be sampled on them, and the better
answers are what it may imitate. There is no gold answer: a method that is paid needs a reward
model, a judge, or a grader that the recipe names. Every row is checked before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self, cast

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.feedback.conversion import (
    attributes_of_ratings,
    pairs_of_attributes,
    pairs_of_ratings,
)
from burnish.data.feedback.dialogue import Form
from burnish.data.feedback.kinds import (
    KIND_OF,
    Feedback,
    FeedbackKind,
    FeedbackSet,
    FeedbackSplit,
)
from burnish.data.feedback.row_formats import (
    BadRows,
    FeedbackFormat,
    Reading,
    format_of,
    read_feedback,
)
from burnish.data.jsonl import Row, read_rows
from burnish.data.splitting import divide
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.files.json_text import parse_json
from burnish.files.text import read_text
from burnish.types import AttributeRating, Preference, Problem, Rating


class FeedbackRowsTask(Config):
    """Feedback from files: TRL, OpenAI, HelpSteer, hh, Argilla, ratings, comments."""

    type: Literal["feedback_rows"] = "feedback_rows"
    """the task"""
    train: Path
    """JSON lines to learn from (an Argilla export may be one JSON array)"""
    dev: Path | None = None
    """rows to select the model on; null: a share of the prompts of train, by hash"""
    test: Path | None = None
    """rows to report on; never used for anything else"""
    shifted: Path | None = None
    """rows out of distribution, reported beside test"""
    dev_share: float = Field(default=0.1, gt=0, lt=1)
    """share of the distinct prompts of train that become dev where no file is given"""
    form: Form = "text"
    """conversations as plain text (Human, Assistant), or by the tokenizer's chat template"""
    rating_scale: tuple[int, int] = (1, 5)
    """lowest and highest rating"""
    attribute_scale: tuple[float, float] = (0.0, 4.0)
    """lowest and highest value of an attribute; HelpSteer: 0 to 4"""
    attribute_weights: dict[str, float] | None = None
    """what makes an answer the better one where comparisons are made of attributes"""
    min_gap: int = Field(default=1, ge=1)
    """grades apart from which two ratings by one rater are made a comparison"""
    bad_rows: BadRows = "stop"
    """stop at identical or empty answers, differing prompts and values off the scale; or skip such
    rows and count them"""

    @model_validator(mode="after")
    def _scales_go_up(self) -> Self:
        for name, scale in (
            ("rating_scale", self.rating_scale),
            ("attribute_scale", self.attribute_scale),
        ):
            if not scale[0] < scale[1]:
                raise ValueError(f"{name}: {list(scale)}; expected the lowest, then the highest")
        return self

    @property
    def answer_kind(self) -> AnswerKind:
        """A free text."""
        return "open"

    def problems(self, split: Split) -> list[Problem]:
        """The distinct prompts of a split; with a better answer to imitate, where one is known."""
        found: dict[str, Problem] = {}
        for row in self._rows(split).rows:
            problem = row.problem
            if isinstance(row, Preference) and found.get(problem.id) in (None, problem):
                problem = replace(problem, rationale=row.chosen)
            found.setdefault(row.problem.id, problem)
        return list(found.values())

    def prompt(self, problem: Problem) -> str:
        """The prompt as it stands; for a conversation only a readable form of it."""
        return problem.question

    def opening(self, problem: Problem) -> str:
        """Nothing."""
        return ""

    def target(self, problem: Problem) -> str:
        """The better answer. Raises DataError where the rows do not say which one it is."""
        if problem.rationale is None:
            raise DataError(
                f"problem {problem.id!r} has no answer to imitate: its rows are no comparisons"
            )
        return problem.rationale

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """Words."""
        return {"words": float(len(text.split()))}

    def feedback(self, kind: FeedbackKind, split: FeedbackSplit) -> FeedbackSet:
        """The feedback of a split as this kind; ratings and attributes can become comparisons.

        Raises DataError for bad rows, and where the rows say nothing of this kind.
        """
        found = self._rows(split)
        rows = [row for row in found.rows if KIND_OF[type(row)] == kind]
        rows = rows or self._converted(kind, found.rows)
        if found.rows and not rows:
            kinds = sorted({KIND_OF[type(row)] for row in found.rows})
            raise DataError(
                f"{self._path(split)}: the rows are {' and '.join(kinds)}, of which no {kind} can"
                f" be made. Set `method.feedback.type: {kinds[0]}`, or give other rows."
            )
        return FeedbackSet(tuple(rows), found.skipped)

    def num_grades(self) -> int:
        """Of the scale; two where answers are only called good or bad."""
        if format_of(_read_rows(self.train)[0]) is FeedbackFormat.UNPAIRED:
            return 2
        return self.rating_scale[1] - self.rating_scale[0] + 1

    def gold(self, problem: Problem, text: str) -> None:
        """Nobody knows."""

    def _converted(self, kind: FeedbackKind, rows: Sequence[Feedback]) -> list[Feedback]:
        ratings = [row for row in rows if isinstance(row, Rating)]
        attributes = [row for row in rows if isinstance(row, AttributeRating)]
        makers: Mapping[FeedbackKind, Callable[[], Sequence[Feedback]]] = {
            "comparisons": lambda: (
                pairs_of_ratings(ratings, min_gap=self.min_gap)
                or pairs_of_attributes(attributes, self.attribute_weights or {})
            ),
            "attributes": lambda: attributes_of_ratings(ratings),
        }
        return list(makers[kind]()) if kind in makers else []

    def _rows(self, split: FeedbackSplit) -> FeedbackSet:
        if split in ("train", "dev") and self.dev is None:
            found = self._read(self.train)
            problems = {row.problem.id: row.problem for row in found.rows}
            side = cast("Literal['train', 'dev']", split)
            ids = {p.id for p in divide([*problems.values()], side, dev_share=self.dev_share)}
            rows = tuple(row for row in found.rows if row.problem.id in ids)
            return FeedbackSet(rows, found.skipped if split == "train" else {})
        path = self._path(split)
        return FeedbackSet(()) if path is None else self._read(path)

    def _path(self, split: FeedbackSplit) -> Path | None:
        paths: Mapping[FeedbackSplit, Path | None] = {
            "train": self.train,
            "dev": self.dev or self.train,
            "test": self.test,
            "shifted": self.shifted,
        }
        return paths[split]

    def _read(self, path: Path) -> FeedbackSet:
        reading = Reading(self.form, self.rating_scale, self.attribute_scale, self.bad_rows)
        found = read_feedback(_read_rows(path), reading)
        if not found.rows:
            raise DataError(f"{path}: not one row has usable feedback (skipped: {found.skipped})")
        return found


def _read_rows(path: Path) -> list[Row]:
    """JSON lines, or one array of objects, whose place is the number of a row."""
    try:
        text = read_text(path)
    except (OSError, ValueError):
        text = ""
    if not text[:64].lstrip().startswith("["):
        return read_rows(path)
    try:
        found = parse_json(text)
    except ValueError as error:
        raise DataError(
            f"{path}: not valid JSON ({error}); expected an array of records"
        ) from error
    if not isinstance(found, list) or not found or not all(isinstance(r, dict) for r in found):
        raise DataError(f"{path}: expected an array of objects, or one object a line")
    return [Row(str(path), i, r) for i, r in enumerate(found, start=1) if isinstance(r, dict)]
