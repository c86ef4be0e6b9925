"""`burnish runs`: a table, reasons of failures, and one paragraph for a folder without runs."""

from __future__ import annotations

import pytest

from burnish.cli.runs import list_runs
from burnish.errors import ConfigError, DataError
from burnish.run.folder import RunFolder
from burnish.run.ownership import held, recorded


def test_failed_run_is_listed_with_its_reason(tmp_path, capsys):
    folder = RunFolder(tmp_path / "mine")
    folder.open({"method": {"type": "sft"}}, resume=False)
    with pytest.raises(DataError), held(folder.path), recorded(folder):
        raise DataError("rows.jsonl, line 3: [no] answer")

    list_runs(tmp_path)

    shown = capsys.readouterr().out
    assert "sft" in shown
    assert "rows.jsonl, line 3: [no] answer" in " ".join(shown.split())


def test_folder_without_runs_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="holds no runs"):
        list_runs(tmp_path)
