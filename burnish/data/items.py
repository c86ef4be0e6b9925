"""Rows to grade: a sample and the item it answers, in one row or apart.

More is allowed here than in rows to train on: an item needs no question, and no answer where the
grader reads other columns.
"""

from __future__ import annotations

import math
from pathlib import Path

from burnish.data.formats import EXCHANGE_COLUMNS, Exchange, read_exchange
from burnish.data.gold import ANSWER_COLUMNS, answer_text
from burnish.data.jsonl import Row, json_type, read_rows
from burnish.errors import DataError
from burnish.files.json_text import parse_json
from burnish.files.text import read_text
from burnish.types import Problem

SAMPLE_COLUMN = "output"
"""Where a sample is looked for first; then in the row's completion or last reply."""
_OPENINGS = ("messages", "conversations", "prompt", "question")
_OTHER_QUESTIONS = ("problem", "instruction", "input")


def read_item(path: Path) -> Row:
    """A file with one JSON object. Raises DataError."""
    try:
        columns = parse_json(read_text(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); expected a row") from error
    except ValueError as error:
        raise DataError(f"{path}: not one JSON object ({error}); it is the row") from error
    if not isinstance(columns, dict):
        raise DataError(f"{path}: holds {json_type(columns)}; a row is an object of columns")
    return Row(str(path), 1, columns)


def read_samples(
    path: Path, *, sample_key: str | None, answer_key: str | None
) -> list[tuple[Problem, str]]:
    """Every row of a JSON lines file as an item and its sample. Raises DataError."""
    return [
        (item_of(row, answer_key=answer_key, sample_key=sample_key), _sample(row, sample_key))
        for row in read_rows(path)
    ]


def item_of(row: Row, *, answer_key: str | None, sample_key: str | None = None) -> Problem:
    """A row as a problem; its other columns are the fields. Raises DataError.

    The gold answer is the column `answer_key`, or the one with such a name if it is a text or a
    number. Where several have such names there is none: nothing is guessed.
    """
    exchange = _exchange(row)
    left_out = {*EXCHANGE_COLUMNS, sample_key or SAMPLE_COLUMN}
    return Problem(
        id=row.where,
        question=exchange.question if exchange else _other_question(row),
        answer=_answer(row, answer_key),
        messages=exchange.messages if exchange else (),
        fields={name: value for name, value in row.columns.items() if name not in left_out},
    )


def _exchange(row: Row) -> Exchange | None:
    return read_exchange(row) if any(name in row.columns for name in _OPENINGS) else None


def _other_question(row: Row) -> str:
    found = (row.columns.get(name) for name in _OTHER_QUESTIONS)
    return next((text for text in found if isinstance(text, str)), "")


def _answer(row: Row, answer_key: str | None) -> str | None:
    if answer_key is not None:
        return answer_text(row, answer_key)
    named = [column for column in ANSWER_COLUMNS if column in row.columns]
    value = row.columns[named[0]] if len(named) == 1 else None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value) if math.isfinite(value) else None


def _sample(row: Row, sample_key: str | None) -> str:
    """A sample may be empty, but it must be there and be text."""
    key = sample_key or SAMPLE_COLUMN
    value = row.columns.get(key)
    if isinstance(value, str):
        return value
    is_own = sample_key is None or isinstance(value, list)
    exchange = _exchange(row) if is_own else None
    if exchange is None or exchange.reply is None:
        raise DataError(
            f'{row.where}: no text to grade as "{key}" in the columns {row.names}. Name the column'
            " with --sample-key."
        )
    return exchange.reply
