"""One process writes a run; how it ended is written down, and a kill is recognised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from burnish.errors import CheckpointError, DataError
from burnish.run.folder import RunFolder
from burnish.run.ownership import Stopped, held, recorded, state_of

HOLDER = """
import sys
from contextlib import suppress
from pathlib import Path
from burnish.run.folder import RunFolder
from burnish.run.ownership import held, recorded
folder = Path(sys.argv[1])
with held(folder), recorded(RunFolder(folder)):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder_of(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the run and says so."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def run_until(error: BaseException | None, folder: Path) -> None:
    with held(folder), recorded(RunFolder(folder)):
        if error is not None:
            raise error


def run_on_a_full_disk(folder: Path) -> None:
    with held(folder), recorded(RunFolder(folder)):
        (folder / "state.json").unlink()
        (folder / "state.json").mkdir()  # so that it cannot be replaced
        raise DataError("the disk is full")


def test_second_process_is_refused_and_told_who_holds_the_run(tmp_path):
    process = holder_of(tmp_path)
    try:
        with pytest.raises(CheckpointError, match=f"process {process.pid}\\. Wait for it"):
            held(tmp_path).__enter__()
    finally:
        process.communicate()


def test_killed_process_leaves_no_lock_and_is_recognised(tmp_path):
    process = holder_of(tmp_path)
    assert (while_held := state_of(tmp_path)) is not None
    assert while_held.standing == "running"

    process.kill()
    process.communicate()

    state = state_of(tmp_path)
    assert state is not None
    assert (state.standing, state.ended) == ("interrupted", "")
    assert f"process {process.pid}" in state.owner
    with held(tmp_path):
        pass


@pytest.mark.parametrize(
    ("error", "standing", "why"),
    [
        (None, "finished", ""),
        (Stopped(signal.SIGTERM), "interrupted", "SIGTERM"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
        (DataError("rows.jsonl, line 3: no answer"), "failed", "rows.jsonl, line 3: no answer"),
        (ZeroDivisionError("division by zero"), "failed", "ZeroDivisionError: division by zero"),
    ],
)
def test_how_a_run_ended_is_kept(tmp_path, error, standing, why):
    with suppress(*([type(error)] if error is not None else [])):
        run_until(error, tmp_path)
    state = state_of(tmp_path)
    assert state is not None
    assert (state.standing, state.why) == (standing, why)
    assert state.ended >= state.started > ""
    assert f"process {os.getpid()}" in state.owner


def test_error_is_told_even_where_its_record_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="the disk is full"):
        run_on_a_full_disk(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"standing": "running"})])
def test_damaged_state_says_nothing(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    assert state_of(tmp_path) is None
