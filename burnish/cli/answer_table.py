"""What policies' sampled answers are worth, and how far they went for it, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from burnish.cli.reward_table import number_cell
from burnish.types import Json

_COLUMNS = {
    "gold": "true reward",
    "proxy": "paid reward",
    "kl": "KL, nats an answer",
    "length": "tokens",
    "no_eos": "without an end",
}


def print_answers(console: Console, results: Mapping[str, Json]) -> None:
    """A row for each policy whose answers were measured; nothing where there is none."""
    rows = {
        name: answers
        for name, found in results.items()
        if isinstance(found, dict) and isinstance(answers := found.get("answers"), dict)
    }
    columns = [name for name in _COLUMNS if any(name in row for row in rows.values())]
    if not columns:
        return
    table = Table(title=f"sampled answers to {results.get('test_size', '?')} problems")
    table.add_column("model")
    for name in columns:
        table.add_column(_COLUMNS[name], justify="right")
    for model, row in rows.items():
        table.add_row(model, *(number_cell(row.get(name)) for name in columns))
    console.print(table)
