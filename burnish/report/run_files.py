"""Reads a run folder as far as it has got: files may be missing, last lines half-written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from burnish.errors import CheckpointError
from burnish.files.yaml_text import YamlTextError, parse_yaml
from burnish.report.tree_files import TreeFile, tree_files, tree_paths

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a run folder held when it was read.

    Attributes:
        name: the folder's own name.
        config_text: `config.yaml` as it stands; empty where it is missing.
        config: the same, parsed; empty where it cannot be.
        metrics: one row a step, in the order they were written.
        samples: sampled answers with their scores.
        tokens: per-token numbers of a few samples.
        results: final numbers; empty while the run goes on.
        evaluations: what `burnish eval --out` has left in the folder, by the names of the files.
        trees: files of search trees, in the order of the stages.
        transcripts: answers with their critiques and revisions, by split.
        started: when the configuration was written (UTC), or None.
        notes: what could not be read, in words for the reader of the page.
    """

    name: str
    config_text: str = ""
    config: Row = field(default_factory=dict)
    metrics: tuple[Row, ...] = ()
    samples: tuple[Row, ...] = ()
    tokens: tuple[Row, ...] = ()
    results: Row = field(default_factory=dict)
    evaluations: tuple[Row, ...] = ()
    trees: tuple[TreeFile, ...] = ()
    transcripts: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    started: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def stages(self) -> list[str]:
        """Names of the stages, in the order the run went through them."""
        rows = (*self.metrics, *self.samples, *self.tokens)
        seen = [str(row["stage"]) for row in rows if "stage" in row]
        finished = [k for k, v in self.results.items() if isinstance(v, Mapping) and "greedy" in v]
        return list(dict.fromkeys([*seen, *finished]))

    @property
    def seconds(self) -> float | None:
        """How long the run has taken, in seconds."""
        whole = as_number(self.results.get("seconds"))
        if whole is not None:
            return whole
        times = [t for row in self.metrics if (t := as_number(row.get("time_s"))) is not None]
        return max(times, default=None)


_KNOWN = ("config.yaml", "metrics.jsonl", "samples.jsonl", "tokens.jsonl", "results.json")


def read_run(run: Path) -> RunFiles:
    """Everything a report needs from a run folder.

    Raises CheckpointError where `run` is not a folder or holds none of a run's files.
    """
    if not any((run / name).is_file() for name in _KNOWN) and not tree_paths(run):
        raise CheckpointError(
            f"{run} is not a run folder: none of {', '.join(_KNOWN)} was found in it. Pass the "
            f"folder that `burnish train` wrote (its --out), such as runs/quickstart."
        )
    notes: list[str] = []
    config_path = run / "config.yaml"
    config_text = config_path.read_text("utf-8", "replace") if config_path.is_file() else ""
    return RunFiles(
        name=run.resolve().name,
        config_text=config_text,
        config=_parsed_config(config_text, notes),
        metrics=tuple(_json_lines(run / "metrics.jsonl", notes)),
        samples=tuple(_json_lines(run / "samples.jsonl", notes)),
        tokens=tuple(_json_lines(run / "tokens.jsonl", notes)),
        results=_json_object(run / "results.json", notes),
        evaluations=_evaluations(run, notes),
        trees=tree_files(run, notes),
        transcripts=_transcripts(run, notes),
        started=_written(config_path),
        notes=tuple(notes),
    )


def as_number(value: object) -> float | None:
    """A finite number as a float; None for anything else (text, True, nan)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _parsed_config(text: str, notes: list[str]) -> Row:
    try:
        config = parse_yaml(text).tree
    except YamlTextError:
        notes.append("config.yaml is not valid YAML; it is shown as it stands.")
        return {}
    return config if isinstance(config, dict) else {}


def _json_lines(path: Path, notes: list[str]) -> Iterator[Row]:
    """Objects of a JSON-lines file; unreadable lines are counted, except a last unfinished one."""
    if not path.is_file():
        return
    num_bad = 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            row = _parsed_object(line)
            if row is not None:
                yield row
            elif line.strip() and line.endswith("\n"):
                num_bad += 1
    if num_bad:
        notes.append(f"{num_bad} unreadable lines of {path.name} were left out.")


def _json_object(path: Path, notes: list[str]) -> Row:
    if not path.is_file():
        return {}
    found = _parsed_object(path.read_text("utf-8", "replace"))
    if found is None:
        notes.append(f"{path.name} is not a JSON object and was left out.")
        return {}
    return found


def _parsed_object(text: str) -> Row | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _transcripts(run: Path, notes: list[str]) -> dict[str, tuple[Row, ...]]:
    """Those of every stage that has criticised and revised answers."""
    places = {"train": "stages/*/transcripts.jsonl", "test": "stages/*/test/transcripts.jsonl"}
    found = {
        split: tuple(row for path in sorted(run.glob(place)) for row in _json_lines(path, notes))
        for split, place in places.items()
    }
    return {split: rows for split, rows in found.items() if rows}


def _evaluations(run: Path, notes: list[str]) -> tuple[Row, ...]:
    """Every other JSON file of the folder."""
    paths = sorted(path for path in run.glob("*.json") if path.name != "results.json")
    return tuple(_json_object(path, notes) for path in paths)


def _written(path: Path) -> datetime | None:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.is_file() else None
