"""Runs below a folder: what they are, how they stand, where they are."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from burnish.errors import DataError
from burnish.run.folder import RunFolder
from burnish.run.listing import runs_in
from burnish.run.ownership import held, recorded
from burnish.types import Json

CONFIG: dict[str, Json] = {"method": {"type": "reft"}, "task": {"type": "arithmetic"}}


def run_at(path: Path, *, steps: int = 0, greedy: float | None = None) -> RunFolder:
    folder = RunFolder(path)
    folder.open(CONFIG, resume=False)
    folder.append("metrics.jsonl", [{"stage": "reft", "step": n + 1} for n in range(steps)])
    if greedy is not None:
        base: Json = {"greedy": {"value": 0.1}}
        folder.write_json(
            "results.json",
            {"base": base, "reft": {"greedy": {"value": greedy}}, "test_size": 9},
        )
    return folder


def test_runs_are_listed_by_path_with_method_task_and_last_step(tmp_path):
    run_at(tmp_path / "b", steps=3)
    run_at(tmp_path / "a" / "inner", steps=1, greedy=0.75)

    inner, b = runs_in(tmp_path)

    assert [inner.path, b.path] == [tmp_path / "a" / "inner", tmp_path / "b"]
    assert (b.method, b.task, b.place, b.accuracy) == ("reft", "arithmetic", "reft, step 3", None)
    assert (inner.place, inner.accuracy) == ("reft, step 1", 0.75)


def test_state_of_each_run_is_told(tmp_path):
    going = run_at(tmp_path / "going")
    failing = run_at(tmp_path / "failing")
    with suppress(DataError), held(failing.path), recorded(failing):
        raise DataError("no rows")
    with held(going.path), recorded(going):
        states = {run.path.name: run.state for run in runs_in(tmp_path)}
    assert states["going"].standing == "running"
    assert (states["failing"].standing, states["failing"].why) == ("failed", "no rows")


def test_runs_of_older_versions_are_finished_where_they_have_results(tmp_path):
    run_at(tmp_path / "done", greedy=0.5)
    run_at(tmp_path / "half", steps=2)
    assert [run.state.standing for run in runs_in(tmp_path)] == ["finished", "interrupted"]


def test_line_that_a_kill_has_cut_short_is_passed_over(tmp_path):
    folder = run_at(tmp_path / "cut", steps=2)
    with (folder.path / "metrics.jsonl").open("a") as log:
        log.write(json.dumps({"stage": "reft", "step": 3})[:-4])
    assert runs_in(tmp_path)[0].place == "reft, step 2"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": {"greedy": {"t1": 1}}}', '{"a": 3}'])
def test_files_that_say_nothing_are_passed_over(tmp_path, text):
    folder = run_at(tmp_path / "odd")
    (folder.path / "results.json").write_text(text)
    (folder.path / "metrics.jsonl").write_text(f"{text}\n")
    (found,) = runs_in(tmp_path)
    assert (found.place, found.accuracy) == ("", None)


@pytest.mark.parametrize("text", ["- a list", "{", "\x00"])
def test_folder_whose_settings_cannot_be_read_is_passed_over(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    run_at(tmp_path / "good")
    assert [run.path.name for run in runs_in(tmp_path)] == ["good"]
