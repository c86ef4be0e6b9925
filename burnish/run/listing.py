"""What runs there are below a folder, and how each of them stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from burnish.errors import CheckpointError
from burnish.run.folder import RunFolder
from burnish.run.ownership import RunState, state_of

_TAIL = 1 << 16
"""Bytes at the end of a log in which its last line is looked for."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run.

    Attributes:
        path: its folder.
        method, task: types in its recipe; empty where it has none.
        state: how it stands.
        place: stage and step that were logged last; empty before the first step.
        accuracy: greedy test accuracy of the last stage that has one; None where none has.
    """

    path: Path
    method: str
    task: str
    state: RunState
    place: str
    accuracy: float | None


def runs_in(folder: Path) -> list[RunSummary]:
    """The runs in and below a folder, by path; folders that cannot be read are passed over."""
    paths = sorted(path.parent for path in folder.rglob("config.yaml"))
    return [found for path in paths if (found := _summary(path)) is not None]


def _summary(path: Path) -> RunSummary | None:
    try:
        config = RunFolder(path).recorded_config()
    except CheckpointError:
        return None
    if not isinstance(config, Mapping):
        return None
    return RunSummary(
        path,
        _type_of(config, "method"),
        _type_of(config, "task"),
        state_of(path) or _state_before_there_were_any(path),
        _place(path / "metrics.jsonl"),
        _accuracy(path / "results.json"),
    )


def _type_of(config: Mapping[str, Any], section: str) -> str:
    found = config.get(section)
    return str(found.get("type", "")) if isinstance(found, Mapping) else ""


def _state_before_there_were_any(path: Path) -> RunState:
    """Of a run of an older version, which has left no `state.json`."""
    is_finished = (path / "results.json").exists()
    return RunState("finished" if is_finished else "interrupted", "", "", "", "")


def _place(log: Path) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    for line in reversed(lines):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, Mapping) and {"stage", "step"} <= row.keys():
            return f"{row['stage']}, step {row['step']}"
    return ""


def _accuracy(path: Path) -> float | None:
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    rows = results.values() if isinstance(results, Mapping) else ()
    greedy = [row.get("greedy") for row in rows if isinstance(row, Mapping)]
    found = [entry.get("value") for entry in greedy if isinstance(entry, Mapping)]
    return next((float(v) for v in reversed(found) if isinstance(v, int | float)), None)
