"""Which column of a row is the gold answer, and its text."""

from __future__ import annotations

import math

from burnish.data.jsonl import Row, json_type
from burnish.errors import DataError

ANSWER_COLUMNS = (
    "answer",
    "answer_value",
    "reference_answer",
    "ground_truth",
    "gold",
    "reference",
    "solution",
    "target",
    "label",
)
"""Names under which a gold answer is looked for."""


def answer_column(row: Row) -> str | None:
    """The one column whose name says it is the gold answer; None where there is none.

    Raises DataError where there are several: which one it is must not be guessed.
    """
    found = [column for column in ANSWER_COLUMNS if column in row.columns]
    if len(found) > 1:
        raise DataError(
            f"{row.where}: {' and '.join(map(repr, found))} could each be the gold answer; name"
            " one as `task.answer_key`"
        )
    return found[0] if found else None


def answer_text(row: Row, column: str) -> str:
    """The gold answer as text; a number is written as in Python. Raises DataError."""
    value = row.columns.get(column)
    if isinstance(value, str) and value.strip():
        return value.strip()
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        found = "missing" if column not in row.columns else json_type(value)
        found = "empty" if isinstance(value, str) else found
        raise DataError(
            f'{row.where}: the gold answer "{column}" is {found}; expected a string or a finite'
            " number. Where a grader reads the row's other columns instead, or for supervised"
            " training, set `task.require_answer` to false."
        )
    return str(value)
