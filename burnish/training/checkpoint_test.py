from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch

from burnish.errors import CheckpointError
from burnish.training.checkpoint import read_checkpoint, write_checkpoint


def state(number: float) -> dict:
    return {"learner": {"weight": torch.full((50,), number), "count": 3}, "note": None}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def number_in(folder: Path) -> float:
    found = read_checkpoint(folder)
    assert found is not None
    return found[1]["learner"]["weight"][0].item()


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_newest_checkpoint_comes_back_whole(tmp_path):
    write_checkpoint(tmp_path, 9, state(1.0))
    write_checkpoint(tmp_path, 10, state(2.0))
    found = read_checkpoint(tmp_path)
    assert found is not None
    step, restored, damaged = found
    assert (step, damaged) == (10, [])
    assert torch.equal(restored["learner"]["weight"], torch.full((50,), 2.0))
    assert restored["learner"]["count"] == 3


def test_no_checkpoint_is_nothing(tmp_path):
    assert read_checkpoint(tmp_path / "missing") is None
    assert read_checkpoint(tmp_path) is None


def test_two_are_kept(tmp_path):
    for step in (1, 20, 300, 4000):
        write_checkpoint(tmp_path, step, state(step))
    assert names(tmp_path) == ["step-000300", "step-004000"]


def test_order_is_that_of_the_steps_past_six_digits(tmp_path):
    for step in (999_998, 999_999, 1_000_000):
        write_checkpoint(tmp_path, step, state(step))
    assert number_in(tmp_path) == 1_000_000
    assert names(tmp_path) == ["step-1000000", "step-999999"]


def test_half_written_checkpoint_is_never_chosen_and_is_cleared_away(tmp_path):
    write_checkpoint(tmp_path, 1, state(1.0))
    beside = tmp_path / ".writing-000002"
    beside.mkdir()
    (beside / "state.pt").write_bytes(b"half")
    assert number_in(tmp_path) == 1.0
    write_checkpoint(tmp_path, 3, state(3.0))
    assert names(tmp_path) == ["step-000001", "step-000003"]


@pytest.mark.parametrize("what", ["bit", "cut", "no state", "no manifest", "cut manifest", "list"])
def test_damaged_checkpoint_is_passed_over_and_named(tmp_path, what):
    write_checkpoint(tmp_path, 1, state(1.0))
    write_checkpoint(tmp_path, 2, state(2.0))
    last = tmp_path / "step-000002"
    match what:
        case "bit":
            damage(last / "state.pt")
        case "cut":
            (last / "state.pt").write_bytes((last / "state.pt").read_bytes()[:-7])
        case "no state":
            (last / "state.pt").unlink()
        case "no manifest":
            (last / "manifest.json").unlink()
        case "cut manifest":
            (last / "manifest.json").write_text('{"format": 1, "st')
        case "list":
            (last / "manifest.json").write_text("[]")

    found = read_checkpoint(tmp_path)

    assert found is not None
    assert (found[0], found[2]) == (1, ["step-000002"])


def test_checkpoint_of_another_format_is_not_read(tmp_path):
    write_checkpoint(tmp_path, 1, state(1.0))
    manifest = tmp_path / "step-000001" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    with pytest.raises(CheckpointError, match="step-000001"):
        read_checkpoint(tmp_path)


def test_only_damaged_checkpoints_are_an_error_not_a_fresh_start(tmp_path):
    write_checkpoint(tmp_path, 1, state(1.0))
    damage(tmp_path / "step-000001" / "state.pt")
    with pytest.raises(CheckpointError, match=r"no checkpoint is whole.*step-000001"):
        read_checkpoint(tmp_path)


def test_full_disk_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, 1, state(1.0))

    def save(_state, file):
        file.write(b"some of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(CheckpointError, match=r"step 2 cannot be written.*No space left"):
        write_checkpoint(tmp_path, 2, state(2.0))
    monkeypatch.undo()
    assert names(tmp_path) == ["step-000001"]
    assert number_in(tmp_path) == 1.0


def test_full_disk_leaves_an_older_checkpoint_of_the_same_step(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, 1, state(1.0))
    monkeypatch.setattr(torch, "save", lambda *_: (_ for _ in ()).throw(RuntimeError("write")))
    with pytest.raises(CheckpointError):
        write_checkpoint(tmp_path, 1, state(2.0))
    monkeypatch.undo()
    assert number_in(tmp_path) == 1.0


def test_state_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    flushed: list[bool] = []

    def fsync(_descriptor: int) -> None:
        flushed.append((tmp_path / "step-000001").exists())

    monkeypatch.setattr(os, "fsync", fsync)
    write_checkpoint(tmp_path, 1, state(1.0))
    assert flushed
    assert not any(flushed)


def test_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_checkpoint(tmp_path / "file" / "checkpoints", 1, state(1.0))


def test_checkpoint_of_a_step_made_again_replaces_the_first(tmp_path):
    write_checkpoint(tmp_path, 1, state(1.0))
    write_checkpoint(tmp_path, 1, state(5.0))
    assert number_in(tmp_path) == 5.0


def test_a_state_that_would_run_code_is_not_read(tmp_path):
    write_checkpoint(tmp_path, 3, {"a": Touch(tmp_path / "ran")})
    with pytest.raises(CheckpointError, match="step-000003: its state is whole, but none"):
        read_checkpoint(tmp_path)
    assert not (tmp_path / "ran").exists()


class Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_folders_of_other_names_are_no_checkpoints(tmp_path):
    (tmp_path / "step-last").mkdir()
    assert read_checkpoint(tmp_path) is None
