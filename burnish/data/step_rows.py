"""Solutions in steps with what each step is worth, as JSON lines. Four columns can say it:

    {"prompt": "...", "steps": ["...", "..."], "labels": [true, false]}       right or wrong
    {"prompt": "...", "steps": [...], "ratings": [1, 0, -1]}                  as PRM800K's people
    {"prompt": "...", "steps": [...], "values": [0.5, 1.0]}                   from 0 to 1
    {"prompt": "...", "steps": [...], "outcomes": [[true, false], [true]]}    of completions

`completions` is TRL's name for the steps; `question`, a conversation in `prompt` and `messages` are
as in other rows. null stands for a step of which nothing is known. A fifth format is PRM800K's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

from pydantic import Field

from burnish.config import Config
from burnish.data.formats import Exchange, read_exchange
from burnish.data.jsonl import Row, json_type, read_rows
from burnish.data.prm800k import is_prm800k, read_prm800k
from burnish.data.splitting import divide
from burnish.data.step_labels import (
    NeutralLabel,
    OutcomeLabel,
    value_of_outcomes,
    value_of_rating,
)
from burnish.errors import DataError
from burnish.types import Json, Problem

_STEPS = ("steps", "completions")


@dataclass(frozen=True, slots=True)
class StepRow:
    """A question and a solution in steps.

    Attributes:
        problem: what was asked.
        steps: the text of each of S steps.
        values: S numbers from 0 to 1, or None for a step without a label.
    """

    problem: Problem
    steps: tuple[str, ...]
    values: tuple[float | None, ...]


class StepRowsConfig(Config):
    """Labelled steps from files of one's own."""

    type: Literal["rows"] = "rows"
    """files of labelled steps"""
    train: Path
    """JSON lines to learn from"""
    dev: Path | None = None
    """JSON lines to select the model on; null: a share of the questions of train, by hash"""
    dev_share: float = Field(default=0.1, gt=0, lt=1)
    """share of the distinct questions of train that become dev where no file is given"""
    neutral: NeutralLabel = "right"
    """what a rating of 0 says of a step: right (as in PRM800K's paper), wrong, or left_out"""
    label: OutcomeLabel = "soft"
    """the label by the column outcomes: hard (1 if any completion was right) or soft (the share)"""
    separator: str = "\n"
    """put between two steps where no white space stands"""

    def rows(self, split: Literal["train", "dev"]) -> list[StepRow]:
        """The rows of a split, in the order of the file. Raises DataError for any bad row."""
        if split == "dev" and self.dev is not None:
            return self._read(self.dev)
        rows = self._read(self.train)
        if self.dev is not None:
            return rows
        problems = {row.problem.id: row.problem for row in rows}
        chosen = {p.id for p in divide([*problems.values()], split, dev_share=self.dev_share)}
        return [row for row in rows if row.problem.id in chosen]

    def _read(self, path: Path) -> list[StepRow]:
        rows = read_rows(path)
        if is_prm800k(rows[0]):
            found = [
                StepRow(problem, steps, tuple(_rating_value(r, self.neutral) for r in ratings))
                for row in rows
                for problem, steps, ratings in read_prm800k(row)
            ]
        else:
            column = _label_column(rows[0])
            found = [self._row(row, column) for row in rows]
        found = [row for row in found if any(value is not None for value in row.values)]
        if not found:
            raise DataError(f"{path}: not one step has a label, so there is nothing to learn")
        return [StepRow(r.problem, _joined(r.steps, self.separator), r.values) for r in found]

    def _row(self, row: Row, column: str) -> StepRow:
        if _label_column(row) != column:
            raise DataError(
                f'{row.where}: labels its steps by "{_label_column(row)}", the first row of the'
                f' file by "{column}"; a file has rows of one format, so split it in two'
            )
        steps = _steps(row)
        labels = _list(row, column)
        if len(labels) != len(steps):
            raise DataError(
                f'{row.where}: {len(steps)} steps and {len(labels)} entries in "{column}"; each'
                " step needs one, null where nothing is known"
            )
        read = self._reader(column)
        values = tuple(
            None if label is None else read(label, f"{row.where}: {column}[{i}]")
            for i, label in enumerate(labels)
        )
        return StepRow(_problem(row), steps, values)

    def _reader(self, column: str) -> Callable[[Json, str], float | None]:
        readers: Mapping[str, Callable[[Json, str], float | None]] = {
            "labels": _label,
            "ratings": lambda found, where: _rating_value(_rating(found, where), self.neutral),
            "values": _value,
            "outcomes": lambda found, where: value_of_outcomes(_outcomes(found, where), self.label),
        }
        return readers[column]


_LABEL_COLUMNS = ("labels", "ratings", "values", "outcomes")


def _label_column(row: Row) -> str:
    found = [column for column in _LABEL_COLUMNS if column in row.columns]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{row.where}: {' and '.join(map(repr, found))} could each be the labels of the steps;"
            " keep one of them"
        )
    columns = ", ".join(map(repr, row.columns)) or "none"
    raise DataError(
        f"{row.where}: no labels of steps in the columns ({columns}); expected one of"
        f' {", ".join(map(repr, _LABEL_COLUMNS))} beside "prompt" and "steps"'
    )


def _steps(row: Row) -> tuple[str, ...]:
    named = [column for column in _STEPS if column in row.columns]
    if len(named) != 1:
        found = " and ".join(map(repr, named)) or "no column of that kind"
        raise DataError(f'{row.where}: expected the steps in "steps"; found {found}')
    texts = _list(row, named[0])
    if not texts:
        raise DataError(f'{row.where}: "{named[0]}" is empty; a solution has at least one step')
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            found = "blank" if isinstance(text, str) else json_type(text)
            raise DataError(f"{row.where}: {named[0]}[{place}] is {found}; a step is a text")
    return tuple(cast("list[str]", texts))


def _list(row: Row, column: str) -> Sequence[Json]:
    found = row.columns[column]
    if not isinstance(found, list):
        raise DataError(f'{row.where}: "{column}" is {json_type(found)}; it must be a list')
    return found


def _problem(row: Row) -> Problem:
    """The question; what it asks is its id, so that rows of one question stay together."""
    exchange: Exchange = read_exchange(row)
    if exchange.reply is not None:
        raise DataError(
            f'{row.where}: ends with a reply ({exchange.format}); the solution belongs in "steps",'
            " and the conversation ends with the user"
        )
    return Problem(exchange.question, exchange.question, None, messages=exchange.messages)


def _label(found: Json, where: str) -> float:
    if isinstance(found, bool) or (isinstance(found, int) and found in (0, 1)):
        return float(found)
    hint = ' Ratings of -1, 0 and 1 belong in a column "ratings".' if found == -1 else ""
    raise DataError(f"{where} is {found!r:.40}; expected true or false (1 or 0).{hint}")


def _rating(found: Json, where: str) -> Literal[-1, 0, 1]:
    if isinstance(found, int) and not isinstance(found, bool) and found in (-1, 0, 1):
        return cast("Literal[-1, 0, 1]", found)
    raise DataError(f"{where} is {found!r:.40}; a rating is -1 (wrong), 0 (neutral) or 1 (right)")


def _rating_value(rating: Literal[-1, 0, 1] | None, neutral: NeutralLabel) -> float | None:
    return None if rating is None else value_of_rating(rating, neutral)


def _value(found: Json, where: str) -> float:
    if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 1:
        return float(found)
    raise DataError(f"{where} is {found!r:.40}; a value is a number from 0 to 1")


def _outcomes(found: Json, where: str) -> list[bool]:
    if isinstance(found, list) and all(outcome in (0, 1) for outcome in found):
        return [bool(outcome) for outcome in found]
    raise DataError(
        f"{where} is {found!r:.40}; expected a list of true (a completion from this step was"
        " right) and false"
    )


def _joined(steps: tuple[str, ...], separator: str) -> tuple[str, ...]:
    """The same with a separator at the end of each step that nothing else divides from the next."""
    apart = [
        step if step[-1:].isspace() or following[:1].isspace() else f"{step}{separator}"
        for step, following in pairwise(steps)
    ]
    return (*apart, steps[-1])
