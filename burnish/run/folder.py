"""A run's folder: what stands where, and how a line gets there.

config.yaml       the recipe, fully resolved
state.json        how the run stands: running, finished, interrupted or failed, and why
metrics.jsonl     one object a step: stage, step, time_s and numbers by `area/name`
samples.jsonl     one object a kept sample: prompt, text, answer, gold, reward, stop reason
tokens.jsonl      one object a shown trajectory: per-token log-probabilities and advantages
stages/01-warm_up/checkpoints/, last/, selected/, stage.json, test.json
results.json      final numbers with intervals
report.html       all of it as one page
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from burnish.errors import CheckpointError
from burnish.files.own_folder import is_plain_name, open_no_link
from burnish.files.redaction import without_known_secrets, without_secrets_in
from burnish.files.text import read_text
from burnish.files.yaml_text import MOST_BYTES, parse_yaml
from burnish.types import Json

_LOGS = ("metrics.jsonl", "samples.jsonl", "tokens.jsonl")
_MEMORY_ALONE = {
    f"compute.{name}" for name in ("max_tokens_per_batch", "max_concurrent", "prefix_cache_mb")
}
"""Settings that may change while a run is continued: results agree within rounding."""
_BEFORE_ANY_STEP = {"config.yaml", "state.json"}


class RunFolder:
    """Paths and atomic writes of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, config: Mapping[str, Json], *, resume: bool) -> None:
        """Make the folder, or check that the one that is there can be continued.

        Raises CheckpointError where one is there and `resume` is off, or its recipe differs in more
        than how much memory it takes.
        """
        config = {key: without_secrets_in(value) for key, value in config.items()}
        before = self.recorded_config()
        if before is not None and self._has_begun():
            self._check_continuation(before, config, resume=resume)
        self.write_text("config.yaml", yaml.safe_dump(config, sort_keys=False))

    def recorded_config(self) -> dict[str, Any] | None:
        """The recipe that the run in this folder was started with; None where there is none."""
        written = self.path / "config.yaml"
        if not written.exists():
            return None
        try:
            found = parse_yaml(read_text(written, most_bytes=MOST_BYTES)).tree
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{written}: cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise CheckpointError(f"{written}: holds no recipe; it was damaged. Use another --out.")
        return found

    def stage(self, index: int, name: str) -> Path:
        """The folder of a stage, counted from 1."""
        if not is_plain_name(name):
            raise CheckpointError(f"{self.path}: {name!r:.60} cannot be the name of a stage")
        return self.path / "stages" / f"{index:02d}-{name}"

    def append(self, log: str, rows: Iterable[Mapping[str, Json]]) -> None:
        """Add lines to one of the logs."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        if not lines:
            return
        path = self.path / log
        with writing(path), open(path, "a", encoding="utf-8", opener=open_no_link) as file:
            file.write(without_known_secrets(lines))

    def forget_after(self, stage: str, step: int) -> None:
        """Drop what was logged of `stage` past `step`: the steps that will be made again."""
        for log in _LOGS:
            self.keep(log, lambda row: row["stage"] != stage or row["step"] <= step)

    def keep(self, log: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Drop the unwanted rows of a log, and a last line that was cut short by a kill."""
        path = self.path / log
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and wanted(json.loads(line))]
        if len(kept) < len(lines):
            self.write_text(log, "".join(kept))

    def write_json(self, name: str, tree: Json) -> None:
        """Replace a JSON file in one step."""
        self.write_text(name, json.dumps(tree, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Replace a file in one step: written beside, flushed, renamed."""
        path = self.path / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.writing")
            with open(beside, "w", encoding="utf-8", opener=open_no_link) as file:
                file.write(without_known_secrets(text))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)

    def _has_begun(self) -> bool:
        """Whether more is there than a run leaves that could not start."""
        names = {path.name for path in self.path.iterdir() if not path.name.startswith(".")}
        return not names <= _BEFORE_ANY_STEP

    def _check_continuation(
        self, before: dict[str, Any], config: Mapping[str, Json], *, resume: bool
    ) -> None:
        if not resume:
            raise CheckpointError(
                f"{self.path} holds a run already. Continue it with --resume, or choose another "
                "--out."
            )
        changed = sorted({*_differences(before, dict(config))} - _MEMORY_ALONE)
        if changed:
            raise CheckpointError(
                f"{self.path} was made with another recipe: {', '.join(changed)} differ. A run is "
                "continued with the recipe it was started with; use another --out for a new one."
            )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a failed write into one clear error."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written ({error.strerror}). What was written before is intact; make "
            "room and continue with --resume."
        ) from error


def _differences(before: Json, after: Json, where: str = "") -> list[str]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [where]
    keys = before.keys() | after.keys()
    inner = (
        _differences(before.get(key), after.get(key), f"{where}.{key}" if where else key)
        for key in keys
    )
    return [name for names in inner for name in names]
