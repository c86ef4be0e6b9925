from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from burnish.errors import CheckpointError
from burnish.run.folder import RunFolder

CONFIG = {"seed": 1, "method": {"type": "reft", "reinforce": {"kl_coef": 0.05}}, "rate": 1e-05}


def opened(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.open(CONFIG, resume=False)
    return folder


def begun(path: Path) -> RunFolder:
    folder = opened(path)
    folder.append("metrics.jsonl", [row("sft", 1)])
    return folder


def row(stage: str, step: int, **more: object) -> dict:
    return {"stage": stage, "step": step, **more}


def log(folder: RunFolder, name: str = "metrics.jsonl") -> list[dict]:
    return [json.loads(line) for line in (folder.path / name).read_text().splitlines()]


def test_recipe_of_a_run_is_kept_and_the_same_one_continues_it(tmp_path):
    opened(tmp_path / "a" / "b")
    RunFolder(tmp_path / "a" / "b").open(CONFIG, resume=True)


def test_every_changed_key_is_named_with_its_place(tmp_path):
    begun(tmp_path)
    changed = CONFIG | {"method": {"type": "reft", "reinforce": {"kl_coef": 0.1}}, "new": 3}
    with pytest.raises(CheckpointError, match=r"recipe: method\.reinforce\.kl_coef, new differ"):
        RunFolder(tmp_path).open(changed, resume=True)


def test_run_goes_on_with_less_memory_and_that_is_kept(tmp_path):
    folder = RunFolder(tmp_path)
    folder.open(CONFIG | {"compute": {"max_concurrent": 64, "dtype": "float32"}}, resume=False)
    folder.append("metrics.jsonl", [row("sft", 1)])
    less = CONFIG | {"compute": {"max_concurrent": 8, "dtype": "float32"}}

    folder.open(less, resume=True)

    assert folder.recorded_config() == less
    with pytest.raises(CheckpointError, match=r"recipe: compute\.dtype differ"):
        folder.open(CONFIG | {"compute": {"max_concurrent": 8, "dtype": "bfloat16"}}, resume=True)


def test_existing_run_is_refused_without_resume(tmp_path):
    begun(tmp_path)
    with pytest.raises(CheckpointError, match="holds a run already"):
        RunFolder(tmp_path).open(CONFIG, resume=False)


def test_folder_of_a_run_that_could_not_start_takes_another_recipe(tmp_path):
    opened(tmp_path)
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / ".lock").touch()
    RunFolder(tmp_path).open(CONFIG | {"seed": 2}, resume=False)
    assert RunFolder(tmp_path).recorded_config() == CONFIG | {"seed": 2}


def test_stage_folders_sort_in_the_order_of_the_stages(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.stage(2, "reft") == tmp_path / "stages" / "02-reft"


def test_forgetting_drops_the_later_steps_of_one_stage_only(tmp_path):
    folder = opened(tmp_path)
    kept = [row("warm_up", 5), row("reft", 1), row("reft", 2)]
    folder.append("metrics.jsonl", [*kept, row("reft", 3), row("reft", 4)])
    folder.append("samples.jsonl", [row("reft", 2), row("reft", 3)])
    folder.forget_after("reft", 2)
    assert log(folder) == kept
    assert log(folder, "samples.jsonl") == [row("reft", 2)]


def test_forgetting_drops_a_line_that_was_cut_short(tmp_path):
    folder = opened(tmp_path)
    folder.append("metrics.jsonl", [row("reft", 1)])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "reft"')
    folder.forget_after("reft", 5)
    assert log(folder) == [row("reft", 1)]


def test_text_with_any_character_stays_on_one_line(tmp_path):
    folder = opened(tmp_path)
    text = "a\nb\u2028c\x85d\x0ce"
    folder.append("samples.jsonl", [row("reft", 1, text=text), row("reft", 2, text=text)])
    folder.forget_after("reft", 1)
    (only,) = log(folder, "samples.jsonl")
    assert only["text"] == text


def test_nothing_to_append_makes_no_file(tmp_path):
    folder = opened(tmp_path)
    folder.append("tokens.jsonl", [])
    assert not (tmp_path / "tokens.jsonl").exists()


def test_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    folder = opened(tmp_path)
    folder.write_json("results.json", {"a": 1})

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"results.json cannot be written \(No space left"):
        folder.write_json("results.json", {"a": 2})
    assert json.loads((tmp_path / "results.json").read_text()) == {"a": 1}


def test_file_is_written_beside_its_place_and_then_takes_it(tmp_path, monkeypatch):
    folder = opened(tmp_path)
    folder.write_json("results.json", {"a": 1})
    seen: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "results.json").read_text()))
    folder.write_json("results.json", {"a": 2})
    assert [json.loads(text) for text in seen] == [{"a": 1}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "results.json"]


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"file/run/config.yaml cannot be written"):
        opened(tmp_path / "file" / "run")
