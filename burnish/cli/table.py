"""Results as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from burnish.cli.answer_table import print_answers
from burnish.cli.correction_table import percent, print_corrections, print_inference_scaling
from burnish.cli.reward_table import print_reward_models
from burnish.cli.scorecard_table import print_scorecard
from burnish.types import Json

_COLUMNS = (
    "greedy",
    "right_by_",
    "vote@",
    "pass@",
    "rerank@",
    "hallucination_rate",
    "abstention_rate",
)


def print_results(console: Console, results: Mapping[str, Json]) -> None:
    """One row per model: accuracies in percent with 95 % intervals; then the paired tests."""
    rows = {name: row for name, row in results.items() if isinstance(row, dict) and "greedy" in row}
    columns = list(
        dict.fromkeys(key for row in rows.values() for key in row if key.startswith(_COLUMNS))
    )
    table = Table(title=f"accuracy on {results.get('test_size', '?')} problems, in percent")
    table.add_column("model")
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in rows.items():
        table.add_row(name, *(percent(row.get(column)) for column in columns))
    if rows:
        console.print(table)
    print_answers(console, results)
    print_reward_models(console, results)
    print_scorecard(console, results)
    print_corrections(console, rows)
    print_inference_scaling(console, rows)
    paired = results.get("paired")
    for name, found in paired.items() if isinstance(paired, dict) else ():
        console.print(_sentence(name, found), highlight=False)


def _sentence(name: str, found: Json) -> str:
    assert isinstance(found, dict)
    value, low, high = (100 * float(str(found[key])) for key in ("difference", "low", "high"))
    p = float(str(found["p"]))
    shown = "p < 0.0001" if p < 1e-4 else f"p = {p:.4f}"
    return f"{name}: {value:+.1f} points ({low:+.1f} to {high:+.1f}), paired test {shown}"
