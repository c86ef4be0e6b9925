from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import TypeAdapter

from burnish.errors import CheckpointError
from burnish.training.row_files import read_rows, write_rows


@dataclass(frozen=True)
class Row:
    name: str
    ids: tuple[int, ...]


KIND = TypeAdapter(Row)
ROWS = [Row("one\u2028line\x85", (1, 2)), Row("é", ())]


def test_rows_come_back_as_they_were_written(tmp_path):
    write_rows(tmp_path / "new" / "rows.jsonl", ROWS, KIND)
    assert read_rows(tmp_path / "new" / "rows.jsonl", KIND) == ROWS


def test_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, ROWS, KIND)
    write_rows(path, ROWS[:1], KIND)
    assert read_rows(path, KIND) == ROWS[:1]
    assert list(tmp_path.iterdir()) == [path]


def test_what_stood_there_survives_rows_that_cannot_be_written(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, ROWS, KIND)

    def rows():
        yield ROWS[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(CheckpointError, match=r"rows\.jsonl cannot be written \(No space left"):
        write_rows(path, rows(), KIND)
    assert read_rows(path, KIND) == ROWS
