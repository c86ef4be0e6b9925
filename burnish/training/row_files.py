"""Rows of one kind as JSON lines, in files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from burnish.errors import CheckpointError

R = TypeVar("R")


def write_rows(path: Path, rows: Iterable[R], kind: TypeAdapter[R]) -> None:
    """One object a line: written beside, flushed, renamed.

    Raises CheckpointError, with what stood there untouched, where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.writelines(kind.dump_json(row) + b"\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written ({error.strerror}). What was written before is intact; make "
            "room and continue with --resume."
        ) from error


def read_rows(path: Path, kind: TypeAdapter[R]) -> list[R]:
    """What `write_rows` wrote."""
    lines = path.read_bytes().splitlines()
    return [kind.validate_json(line) for line in lines]
