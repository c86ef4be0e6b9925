"""What second attempts did, and what they are worth at a budget, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

from burnish.types import Json

Rows: TypeAlias = "Mapping[str, Mapping[str, Json]]"
"""The numbers of each model, by its name."""

_TRANSITION = ("from", "to", "delta", "fixed", "broken", "changed")
_BUDGET = ("K", "K attempts", "K/2 corrected", "difference")


def print_corrections(console: Console, rows: Rows) -> None:
    """A line for each model and transition, in percent of all samples; delta with its interval."""
    lines: list[list[str]] = []
    for name, row in rows.items():
        lines += _transitions(name, row)
        sampled = row.get("sampled_attempts")
        if isinstance(sampled, dict):
            lines += _transitions(f"{name}, temperature {sampled['temperature']}", sampled)
    if not lines:
        return
    heading = "self-correction, in percent of all samples (changed: of answers)"
    table = Table(title=heading)
    table.add_column("model", overflow="fold")
    table.add_column("turns", no_wrap=True)
    for column in _TRANSITION:
        table.add_column(column, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    console.print(table)


def print_inference_scaling(console: Console, rows: Rows) -> None:
    """A table for each model that was measured at budgets: votes in percent, sampled tokens."""
    for name, row in rows.items():
        found = row.get("inference_scaling")
        if not isinstance(found, dict):
            continue
        table = Table(
            title=f"{name}: votes in percent at equal budgets of K samples, temperature "
            f"{found['temperature']}; tokens sampled by either; one attempt: "
            f"{percent(found['single'])}"
        )
        for column in _BUDGET:
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("tokens", justify="right")
        for budget, at in found.items():
            if budget.isdecimal() and isinstance(at, dict):
                table.add_row(budget, *_votes(at))
        console.print(table)


def print_alarms(console: Console, results: Mapping[str, Json]) -> None:
    """A line for each collapse that a model shows against another, its base."""
    alarms = results.get("alarms")
    for name, sentences in alarms.items() if isinstance(alarms, dict) else ():
        for sentence in sentences if isinstance(sentences, list) else ():
            console.print(f"{name}: {sentence}", style="yellow", markup=False, highlight=False)


def percent(interval: Json) -> str:
    """An interval's value with its ends; nothing for what is none."""
    if not isinstance(interval, dict):
        return ""
    value, low, high = (100 * float(str(interval[key])) for key in ("value", "low", "high"))
    return f"{value:.1f}  [dim]{low:.1f} to {high:.1f}[/]"


def _transitions(name: str, row: Mapping[str, Json]) -> Iterator[list[str]]:
    turn = 1
    while isinstance(found := row.get(f"t{turn}-t{turn + 1}"), dict):
        accuracies = (row[f"accuracy_t{turn}"], row[f"accuracy_t{turn + 1}"])
        shares = (found[key] for key in ("fixed", "broken", "answer_change"))
        before, after = map(_value, accuracies)
        delta = percent(found["delta"]).replace("  ", "\n")
        yield [name, f"{turn}, {turn + 1}", before, after, delta, *map(_value, shares)]
        turn += 1


def _votes(at: Mapping[str, Json]) -> list[str]:
    paired, tokens = at["paired"], at["sampled_tokens"]
    assert isinstance(paired, dict), "as the metrics write it"
    assert isinstance(tokens, dict), "as the metrics write it"
    difference = percent({**paired, "value": paired["difference"]})
    spent = ", ".join(f"{float(str(tokens[way])):.0f}" for way in ("parallel", "corrected"))
    return [percent(at["parallel"]), percent(at["corrected"]), difference, spent]


def _value(interval: Json) -> str:
    assert isinstance(interval, dict), "as the metrics write it"
    return f"{100 * float(str(interval['value'])):.1f}"
