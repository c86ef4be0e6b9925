"""Checkpoints that are whole or not there: written beside, flushed, renamed, hashed.

A checkpoint is a folder `step-000120/` with `state.pt` and `manifest.json` (format, step, size and
SHA-256 of the state). The newest whole one is used; a damaged one is named and passed over.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from burnish.errors import CheckpointError

_FORMAT = 1
_NUM_KEPT = 2


def write_checkpoint(folder: Path, step: int, state: Mapping[str, Any]) -> None:
    """Save `state` as the checkpoint of `step`; older ones but the last two are removed.

    Raises CheckpointError, with the earlier checkpoints untouched, where it cannot be written.
    """
    beside = folder / f".writing-{step:06d}"
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        _write_state(beside / "state.pt", state)
        manifest = {"format": _FORMAT, "step": step, **_fingerprint(beside / "state.pt")}
        (beside / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        final = folder / _name(step)
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise CheckpointError(
            f"{folder}: the checkpoint of step {step} cannot be written ({error}). Earlier "
            "checkpoints are intact; make room and continue with --resume."
        ) from error
    for old in [*_checkpoints(folder)[:-_NUM_KEPT], *folder.glob(".writing-*")]:
        shutil.rmtree(old, ignore_errors=True)


def read_checkpoint(folder: Path) -> tuple[int, dict[str, Any], list[str]] | None:
    """Step and state of the newest whole checkpoint and the names of damaged ones passed over.

    None where there is no checkpoint. Raises CheckpointError where there are only damaged ones.
    """
    damaged: list[str] = []
    for checkpoint in reversed(_checkpoints(folder)):
        if _is_whole(checkpoint):
            return _step(checkpoint), _state_in(checkpoint), damaged
        damaged.append(checkpoint.name)
    if damaged:
        raise CheckpointError(
            f"{folder}: no checkpoint is whole ({', '.join(damaged)} are damaged). Remove this "
            "folder to run the stage again from its start."
        )
    return None


def newest_checkpoint(folder: Path) -> Path | None:
    """The folder of the newest whole checkpoint; None where there is none."""
    return next(filter(_is_whole, reversed(_checkpoints(folder))), None)


def _state_in(checkpoint: Path) -> dict[str, Any]:
    """Numbers, texts and tensors only: a pickle of anything else is not read."""
    try:
        return torch.load(checkpoint / "state.pt", map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint}: its state is whole, but none that burnish writes, and was not read "
            f"({' '.join(str(error).split())[:200]}). Remove it if you know where it comes from."
        ) from error


def _write_state(path: Path, state: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())


def _fingerprint(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _is_whole(checkpoint: Path) -> bool:
    try:
        manifest = json.loads((checkpoint / "manifest.json").read_text(encoding="utf-8"))
        found = _fingerprint(checkpoint / "state.pt")
    except (OSError, ValueError, RecursionError):
        return False
    return manifest == {"format": _FORMAT, "step": _step(checkpoint), **found}


def _checkpoints(folder: Path) -> list[Path]:
    """Oldest first."""
    named = (path for path in folder.glob("step-*") if path.name[5:].isdecimal())
    return sorted(named, key=_step)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("step-"))


def _name(step: int) -> str:
    return f"step-{step:06d}"
