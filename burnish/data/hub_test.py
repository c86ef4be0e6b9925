from __future__ import annotations

import json
import sys

import pytest

from burnish.data.hub import load_hub_rows
from burnish.errors import DataError


def test_a_folder_of_json_lines_reads_like_a_data_set_on_the_hub(tmp_path):
    pytest.importorskip("datasets")
    for part, numbers in (("train", [1, 2, 3]), ("test", [4])):
        lines = "".join(json.dumps({"question": f"{n}?"}) + "\n" for n in numbers)
        (tmp_path / f"{part}.jsonl").write_text(lines, encoding="utf-8")
    rows = load_hub_rows(str(tmp_path), split="train")

    assert [row.columns["question"] for row in rows] == ["1?", "2?", "3?"]
    assert rows[1].where == f"{tmp_path}/train:2"


def test_unknown_split_is_a_data_error(tmp_path):
    pytest.importorskip("datasets")
    (tmp_path / "train.jsonl").write_text('{"question": "1?"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="split 'test': cannot be loaded"):
        load_hub_rows(str(tmp_path), split="test")


def test_unknown_name_is_a_data_error():
    pytest.importorskip("datasets")
    with pytest.raises(DataError, match="Check the name and the network, or set `folder`"):
        load_hub_rows("nobody/no-such-data-set", split="test")


def test_missing_library_is_a_data_error_that_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install burnish\[hub\]"):
        load_hub_rows("openai/gsm8k", split="test")
