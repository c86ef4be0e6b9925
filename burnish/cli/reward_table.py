"""What reward models are good at, as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from burnish.types import Json

_SPLITS = ("test", "shifted")
_COLUMNS = {
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
    "rank_correlation": "with labels",
    "gold_correlation": "with the truth",
    "gold_pair_accuracy": "pairs by the truth",
    "length_correlation": "with length",
}


def print_reward_models(console: Console, results: Mapping[str, Json]) -> None:
    """A row for each model and split; nothing where there are no reward models."""
    rows = list(_rows(results))
    columns = [name for name in _COLUMNS if any(found.get(name) is not None for _, found in rows)]
    if not columns:
        return
    table = Table(title="reward models: accuracy on held-out pairs, and rank correlations")
    table.add_column("model")
    for name in columns:
        table.add_column(_COLUMNS[name], justify="right")
    for label, found in rows:
        table.add_row(label, *(number_cell(found.get(name)) for name in columns))
    console.print(table)


def _rows(results: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Models by split; of an ensemble the mean and the pessimistic reward."""
    for model, of_split in results.items():
        for split in _SPLITS:
            found = of_split.get(split) if isinstance(of_split, dict) else None
            if not isinstance(found, dict):
                continue
            readings = [
                name for name in ("mean", "pessimistic") if isinstance(found.get(name), dict)
            ]
            for name in readings:
                inner = found[name]
                assert isinstance(inner, dict)
                yield f"{model}, {name}, {split}", inner
            if not readings and "length_correlation" in found:
                yield f"{model}, {split}", found


def number_cell(found: Json) -> str:
    """A number, with its interval where it has one; nothing for none."""
    if isinstance(found, dict):
        value, low, high = (found.get(key) for key in ("value", "low", "high"))
        return f"{number_cell(value)} ({number_cell(low)} to {number_cell(high)})"
    return f"{found:.2f}" if isinstance(found, int | float) else ""
