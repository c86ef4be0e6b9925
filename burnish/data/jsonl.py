"""JSON lines from a file: rows that know where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from burnish.errors import DataError
from burnish.files.json_text import parse_json
from burnish.files.text import read_text
from burnish.types import Json

_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One record.

    Attributes:
        source: the file or data set it comes from, as the user named it.
        number: its line in the file, counted from 1.
        columns: the record.
    """

    source: str
    number: int
    columns: Mapping[str, Json]

    @property
    def where(self) -> str:
        """`train.jsonl:17`, as editors and compilers write it."""
        return f"{self.source}:{self.number}"

    @property
    def names(self) -> str:
        """The columns, for messages."""
        named = [f"{name!r:.60}" for name in list(self.columns)[:_MOST_NAMES]]
        more = len(self.columns) - len(named)
        return ", ".join(named + [f"{more} more"] * (more > 0)) or "none"

    def text(self, column: str) -> str:
        """The column's text, which may not be blank. Raises DataError."""
        value = self.columns.get(column)
        if column not in self.columns:
            raise DataError(f'{self.where}: no column "{column}"; the row has {self.names}')
        if not isinstance(value, str):
            raise DataError(f'{self.where}: "{column}" is {json_type(value)}; it must be a string')
        if not value.strip():
            raise DataError(f'{self.where}: "{column}" is empty; the row needs it')
        return value


def read_rows(path: Path) -> list[Row]:
    """All rows of a JSON lines file, at least one; blank lines are skipped. Raises DataError."""
    rows = list(_rows(path))
    if not rows:
        raise DataError(f"{path}: the file has no rows; expected one JSON object a line")
    return rows


def json_type(value: Json) -> str:
    """What JSON calls the type of a value, for messages."""
    if value is None:
        return "null"
    names = {bool: "true or false", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            yield Row(str(path), number, _columns(line, f"{path}:{number}"))


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}), seen from the folder {Path.cwd()}."
            " Expected a JSON lines file; set the task's path or folder to where it lies."
        ) from error
    except ValueError as error:  # not UTF-8, or a path with a null character
        raise DataError(f"{str(path)!r}: not a file of UTF-8 text ({error})") from error


def _columns(line: str, where: str) -> dict[str, Json]:
    try:
        columns = parse_json(line)
    except ValueError as error:
        raise DataError(f"{where}: not valid JSON ({error}); each line is one object") from error
    if not isinstance(columns, dict):
        raise DataError(f"{where}: the line is {json_type(columns)}; each line is one object")
    return columns
