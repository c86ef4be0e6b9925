"""Who writes a run, and how it ended: a lock that its process holds, and `state.json`.

The lock is the kernel's (`flock` on `.lock`): it is gone with the process that held it, however
that ended, so a stale one cannot be. `state.json` says how the run stands; one that says `running`
while nobody holds the lock belongs to a process that was killed.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from burnish.errors import BurnishError, CheckpointError
from burnish.files.own_folder import first_link, open_no_link
from burnish.files.redaction import without_secrets
from burnish.run.folder import RunFolder, writing

Standing: TypeAlias = Literal["running", "finished", "interrupted", "failed"]

_LOCK = ".lock"
_STATE = "state.json"


class Stopped(Exception):  # noqa: N818 a request that was honoured, not an error
    """The run was asked to stop and can be continued."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run stands.

    Attributes:
        standing: running, finished, interrupted (it can go on) or failed.
        why: what ended it, where it has not finished.
        owner: user, machine and process that wrote it last.
        started, ended: ISO 8601, UTC; of the last process. `ended` is empty while it runs, and
            where it was killed.
    """

    standing: Standing
    why: str
    owner: str
    started: str
    ended: str


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the run in `folder`, which is made where there is none, against other processes.

    Raises CheckpointError, naming the owner, where another process holds it, and where no folder
    can be made.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    link = first_link(folder)
    if link is not None:
        raise CheckpointError(
            f"{link} is a link, and a run writes in its own folder only. Put what it points to in "
            "its place; to keep runs elsewhere, let the run folder itself be the link."
        )
    with open(folder / _LOCK, "a+", encoding="utf-8", opener=open_no_link) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CheckpointError(
                f"{folder} is being written by {_owner_in(folder)}. Wait for it, stop it, or use "
                "another --out; two processes cannot write one run."
            ) from error
        file.seek(0)
        file.truncate()
        file.write(_me())
        file.flush()
        yield


@contextmanager
def recorded(folder: RunFolder) -> Iterator[None]:
    """Write how the run in `folder` stands: running now, and how it ended when it has ended."""
    state = RunState("running", "", _me(), _now(), "")
    _write(folder, state)
    try:
        yield
    except BaseException as error:
        with suppress(CheckpointError):  # what ended the run is told, not what ended its record
            _write(folder, _ended_by(error, state))
        raise
    _write(folder, replace(state, standing="finished", ended=_now()))


def state_of(folder: Path) -> RunState | None:
    """How the run in a folder stands; None where nothing says so, as in folders of old versions."""
    try:
        state = RunState(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if state.standing == "running" and not _is_held(folder):
        return replace(state, standing="interrupted", why="killed, or the machine went down")
    return state


def _ended_by(error: BaseException, state: RunState) -> RunState:
    if isinstance(error, Stopped):
        why = signal.Signals(error.signal_number).name
        return replace(state, standing="interrupted", why=why, ended=_now())
    if not isinstance(error, Exception):
        return replace(state, standing="interrupted", why=type(error).__name__, ended=_now())
    kind = "" if isinstance(error, BurnishError) else f"{type(error).__name__}: "
    why = without_secrets(f"{kind}{error}")
    return replace(state, standing="failed", why=why, ended=_now())


def _write(folder: RunFolder, state: RunState) -> None:
    folder.write_json(_STATE, asdict(state))


def _is_held(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _owner_in(folder: Path) -> str:
    return (folder / _LOCK).read_text(encoding="utf-8") or "another process"


def _me() -> str:
    return f"{_user()} on {socket.gethostname()}, process {os.getpid()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return f"user {os.getuid()}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
