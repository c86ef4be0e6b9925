"""The row formats of feedback, told apart by the columns of the first row of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from burnish.data.feedback import answer_rows, pair_rows
from burnish.data.feedback.argilla import argilla_record, is_argilla
from burnish.data.feedback.dialogue import Form, is_hh
from burnish.data.feedback.kinds import Fault, FaultyRowError, Feedback, FeedbackSet
from burnish.data.jsonl import Row
from burnish.errors import DataError


class FeedbackFormat(StrEnum):
    """What a row looks like; the value is its name in messages."""

    ARGILLA = "Argilla record"
    OPENAI = "OpenAI preference"
    HELPSTEER_PAIR = "HelpSteer preference"
    RANKING = "ranking"
    HH = "hh dialogues"
    TRL = "TRL preference"
    IMPLICIT = "TRL preference with an implicit prompt"
    UNPAIRED = "TRL unpaired"
    COMMENT = "comment"
    RATING = "rating"
    ATTRIBUTES = "attributes (HelpSteer)"


BadRows: TypeAlias = Literal["stop", "skip"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read.

    Attributes:
        form: of conversations: by the chat template, or as text.
        grades: lowest and highest rating.
        scale: lowest and highest value of an attribute.
        bad_rows: whether a faulty row stops the run, or is skipped and counted.
    """

    form: Form = "text"
    grades: tuple[int, int] = (1, 5)
    scale: tuple[float, float] = (0.0, 4.0)
    bad_rows: BadRows = "stop"


_COLUMNS: Sequence[tuple[FeedbackFormat, tuple[str, ...]]] = (
    (FeedbackFormat.OPENAI, ("input", "preferred_output", "non_preferred_output")),
    (FeedbackFormat.HELPSTEER_PAIR, ("response_1", "response_2", "preference_strength")),
    (FeedbackFormat.RANKING, ("prompt", "responses", "ranks")),
    (FeedbackFormat.TRL, ("prompt", "chosen", "rejected")),
    (FeedbackFormat.IMPLICIT, ("chosen", "rejected")),
    (FeedbackFormat.UNPAIRED, ("prompt", "completion", "label")),
    (FeedbackFormat.COMMENT, ("prompt", "comment")),
    (FeedbackFormat.RATING, ("prompt", "rating")),
    (FeedbackFormat.ATTRIBUTES, ("prompt", "attributes")),
)
"""The first of them whose columns a row has."""


def format_of(row: Row) -> FeedbackFormat:
    """The format of a row. Raises DataError where it is none of them."""
    if is_argilla(row):
        return FeedbackFormat.ARGILLA
    for found, columns in _COLUMNS:
        if all(column in row.columns for column in columns):
            chosen = row.columns.get("chosen")
            is_dialogue = found is FeedbackFormat.IMPLICIT and isinstance(chosen, str)
            return FeedbackFormat.HH if is_dialogue and is_hh(str(chosen)) else found
    if any(name in row.columns for name in answer_rows.HELPSTEER):
        return FeedbackFormat.ATTRIBUTES
    columns = ", ".join(map(repr, row.columns)) or "none"
    raise DataError(
        f'{row.where}: no feedback in the columns ({columns}); expected "chosen" and "rejected",'
        ' "preferred_output" and "non_preferred_output", or "prompt" and "response" beside'
        ' "rating", "attributes" or "comment". docs/guide.md shows every format.'
    )


def read_feedback(rows: Sequence[Row], reading: Reading) -> FeedbackSet:
    """The feedback in the rows of one file, all of one format. Raises DataError.

    Records that nobody has answered are always skipped and counted.
    """
    first = format_of(rows[0])
    read = _readers(reading)[first]
    found: list[Feedback] = []
    skipped: Counter[str] = Counter()
    for row in rows:
        _require_format(row, first, rows[0])
        try:
            found += read(row)
        except FaultyRowError as error:
            if reading.bad_rows == "stop" and error.fault is not Fault.NO_LABEL:
                raise
            skipped[error.fault.value] += 1
    return FeedbackSet(tuple(found), dict(skipped))


def _readers(reading: Reading) -> Mapping[FeedbackFormat, Callable[[Row], Sequence[Feedback]]]:
    form = reading.form
    return {
        FeedbackFormat.ARGILLA: lambda row: argilla_record(
            row, form, grades=reading.grades, scale=reading.scale
        ),
        FeedbackFormat.OPENAI: lambda row: pair_rows.openai_pair(row, form),
        FeedbackFormat.HELPSTEER_PAIR: lambda row: pair_rows.helpsteer_pair(row, form),
        FeedbackFormat.RANKING: lambda row: pair_rows.ranking(row, form),
        FeedbackFormat.HH: lambda row: pair_rows.hh_pair(row, form),
        FeedbackFormat.TRL: lambda row: pair_rows.trl_pair(row, form),
        FeedbackFormat.IMPLICIT: lambda row: pair_rows.implicit_pair(row, form),
        FeedbackFormat.UNPAIRED: lambda row: answer_rows.unpaired(row, form),
        FeedbackFormat.COMMENT: lambda row: answer_rows.comment(row, form),
        FeedbackFormat.RATING: lambda row: answer_rows.rating(row, form, reading.grades),
        FeedbackFormat.ATTRIBUTES: lambda row: answer_rows.attributes(row, form, reading.scale),
    }


def _require_format(row: Row, first: FeedbackFormat, first_row: Row) -> None:
    found = format_of(row)
    if found is not first:
        raise DataError(
            f"{row.where}: the row's format is {found}, but line {first_row.number} is {first}; a"
            " file has rows of one format, so split it in two"
        )
