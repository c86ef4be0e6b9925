from __future__ import annotations

import math

import pytest

from burnish.errors import CheckpointError
from burnish.report.fake_run import write_fake_run
from burnish.report.run_files import as_number, read_run


def test_a_finished_run_is_read_whole(tmp_path):
    run = read_run(write_fake_run(tmp_path / "run"))
    assert run.name == "run"
    assert run.stages == ["warm_up", "sft", "reft"]
    assert run.config["method"]["type"] == "reft"
    assert (len(run.metrics), len(run.samples), len(run.tokens)) == (260, 72, 6)
    assert run.seconds == pytest.approx(170.1)
    assert run.notes == ()


def test_an_unfinished_run_lasts_until_its_last_step(tmp_path):
    run = read_run(write_fake_run(tmp_path / "run", finished=False))
    assert run.results == {}
    assert run.seconds == pytest.approx(0.25 * 200 + 1.7 * 15)


def test_a_half_written_last_line_is_no_fault(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"stage": "reft", "step": 1}\n{"stage": "re')
    run = read_run(tmp_path)
    assert len(run.metrics) == 1
    assert run.notes == ()


def test_broken_files_are_noted_and_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\nnonsense\n[1]\n{"step": 2}\n')
    (tmp_path / "results.json").write_text('{"reft": ')
    (tmp_path / "config.yaml").write_text("a: [")
    run = read_run(tmp_path)
    assert len(run.metrics) == 2
    assert run.config_text == "a: ["
    notes = " ".join(run.notes)
    assert "2 unreadable lines of metrics.jsonl" in notes
    assert "results.json" in notes
    assert "config.yaml" in notes


def test_a_folder_that_is_no_run_raises(tmp_path):
    with pytest.raises(CheckpointError, match="not a run folder"):
        read_run(tmp_path)
    with pytest.raises(CheckpointError, match="not a run folder"):
        read_run(tmp_path / "missing")


def test_only_finite_numbers_are_numbers():
    assert as_number(3) == 3.0
    assert [as_number(v) for v in (True, "3", None, math.nan, math.inf)] == [None] * 5


def test_evaluations_left_in_the_folder_are_read_by_name_beside_the_results(tmp_path):
    (tmp_path / "results.json").write_text('{"test_size": 4}')
    (tmp_path / "b.json").write_text('{"b": 1}')
    (tmp_path / "a.json").write_text('{"a": 1}')
    (tmp_path / "half.json").write_text('{"c": ')
    run = read_run(tmp_path)
    assert run.results == {"test_size": 4}
    assert run.evaluations == ({"a": 1}, {"b": 1}, {})
    assert run.notes == ("half.json is not a JSON object and was left out.",)
