"""The one table of a benchmark, on the screen and as `results/<name>.json`.

A row has `workload`, `engine`, `value` and `unit`; ours is the engine `burnish`. Where an engine
ran in several dtypes, the better one bears its name and the others the name and the dtype. Each row
also says what made it: commit, versions, device, threads, day.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import torch

from burnish.types import Json

FOLDER = Path(__file__).parent
OURS = "burnish"
HIGHER_IS_BETTER = {
    **{"tokens/s": True, "s/step": False, "bytes": False, "bytes/token": False},
    **{"programs/s": True, "ms": False, "nodes/s": True},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number.

    Attributes:
        workload: what was done.
        engine: by whom; `burnish`, or a peer.
        value: how much of `unit`.
        unit: with its direction in HIGHER_IS_BETTER, or one that has none, such as reward.
        dtype: of the matrix products.
        details: whatever else a reader of the file may want.
    """

    workload: str
    engine: str
    value: float
    unit: str
    dtype: str
    details: Mapping[str, Json] = field(default_factory=dict)

    def json(self) -> dict[str, Json]:
        """The row as it is written."""
        own: dict[str, Json] = {
            "workload": self.workload,
            "engine": self.engine,
            "value": self.value,
            "unit": self.unit,
            "dtype": self.dtype,
        }
        return own | dict(self.details)


def rows_of(
    workload: str, engine: str, values: Mapping[str, float], unit: str, **details: Json
) -> list[Row]:
    """Rows of one engine from its value in each dtype: the better one bears the engine's name."""
    pick = max if HIGHER_IS_BETTER[unit] else min
    best = pick(values, key=lambda dtype: values[dtype], default="")
    return [
        Row(workload, engine if d == best else f"{engine} {d}", value, unit, d, details)
        for d, value in values.items()
    ]


def add_options(parser: argparse.ArgumentParser, name: str) -> None:
    """The options that every benchmark has."""
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, default=FOLDER / "results" / f"{name}.json")
    parser.add_argument(
        "--append", action="store_true", help="keep the file's rows that are not measured now"
    )


def publish(rows: Sequence[Row], arguments: argparse.Namespace) -> None:
    """Print the table and write the file, with the rows it had where `--append` asks for them."""
    print_table(rows)
    new = [row.json() | _origin(arguments.threads) for row in rows]
    path: Path = arguments.json
    if arguments.append and path.is_file():
        measured = {_key(row) for row in new}
        old = json.loads(path.read_text(encoding="utf-8"))
        new = [row for row in old if _key(row) not in measured] + new
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in new)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"wrote {path}")


def print_table(rows: Sequence[Row]) -> None:
    """One line a row. The ratio is to the best peer of the workload; above 1 is better than it."""
    print(f"{'workload':<20}{'engine':<28}{'dtype':<10}{'value':>16} {'unit':<12}{'ratio':>6}")
    for row in rows:
        value = f"{row.value:,.3f}" if abs(row.value) < 100 else f"{row.value:,.0f}"
        print(
            f"{row.workload:<20}{row.engine:<28}{row.dtype:<10}{value:>16} {row.unit:<12}"
            f"{_ratio(row, rows):>6}"
        )


def _ratio(row: Row, rows: Sequence[Row]) -> str:
    """Times better than the best peer; empty where there is none, or no better and worse."""
    higher = HIGHER_IS_BETTER.get(row.unit)
    peers = [
        other.value
        for other in rows
        if (other.workload, other.unit) == (row.workload, row.unit)
        and not other.engine.startswith(OURS)
    ]
    if higher is None or not peers:
        return ""
    numerator, denominator = (row.value, max(peers)) if higher else (min(peers), row.value)
    return f"{numerator / denominator:.2f}" if denominator > 0 else ""


def _key(row: Mapping[str, Json]) -> tuple[Json, ...]:
    return row["workload"], row["engine"], row["unit"]


def _origin(threads: int) -> dict[str, Json]:
    on_cuda = torch.cuda.is_available()
    return {
        "commit": _commit(),
        "torch": torch.__version__,
        "transformers": metadata.version("transformers"),
        "device": torch.cuda.get_device_name() if on_cuda else f"{platform.machine()} cpu",
        "threads": threads,
        "day": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
