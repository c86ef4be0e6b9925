"""Constitutional AI's card in the terminal: how later answers fare by each principle."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from burnish.cli.correction_table import percent
from burnish.cli.reward_table import number_cell
from burnish.types import Json


def print_scorecard(console: Console, results: Mapping[str, Json]) -> None:
    """A row for each principle: how likely each model's answers are preferred to the first ones,
    in percent, and true numbers where they are known; nothing for other runs."""
    models = _object(_object(results.get("scorecard")).get("models"))
    principles = list(
        dict.fromkeys(
            name for row in models.values() for name in _object(_object(row).get("principles"))
        )
    )
    if not principles:
        return
    table = Table(title="preferred to the start model's answers, in percent; true numbers behind")
    table.add_column("principle")
    for name in models:
        table.add_column(name, justify="right")
    for principle in principles:
        table.add_row(principle, *(_cell(row, principle) for row in models.values()))
    console.print(table)


def _cell(model: Json, principle: str) -> str:
    found = _object(_object(_object(model).get("principles")).get(principle))
    gold = _object(found.get("gold"))
    shown = percent(found.get("preferred"))
    if not gold:
        return shown
    before, after = (
        number_cell(_object(gold.get(key)).get("value")) for key in ("before", "after")
    )
    return f"{shown}; {before} to {after}"


def _object(found: Json) -> dict[str, Json]:
    return found if isinstance(found, dict) else {}
