"""`burnish doctor`, and the short form of it before every training."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from burnish.run.doctor.check import Check, Verdict, failed
from burnish.run.doctor.examination import short_examination, whole_examination
from burnish.run.doctor.template import Shown
from burnish.run.recipe import load_recipe

_MIN_WIDTH = 100
_CHECK_FAILED = 1
_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "bold red", Verdict.SKIPPED: "dim"}


def run_doctor(path: Path, overrides: Sequence[str], *, num_tried: int, out: Path | None) -> None:
    """Print what was found; exits with 1 where a check has failed.

    Args:
        num_tried: steps of every stage that are made; 0: time and memory are not estimated.
        out: where to write the same as JSON.
    """
    recipe = load_recipe(path, overrides)
    found = whole_examination(recipe, num_tried=num_tried)
    console = Console(highlight=False, width=max(_MIN_WIDTH, Console().width))
    for example in found.shown:
        console.print(_coloured(example))
    _print_checks(console, found.checks)
    if out is not None:
        rows = [check.as_json() for check in found.checks]
        out.write_text(json.dumps({"recipe": str(path), "checks": rows}, indent=2) + "\n", "utf-8")
    if failed(found.checks):
        sys.exit(_CHECK_FAILED)


def require_health(path: Path, overrides: Sequence[str]) -> None:
    """The short form: silent where all is well; exits with 1 where a fault spoils a training."""
    faults = failed(short_examination(load_recipe(path, overrides)).checks)
    if not faults:
        return
    console = Console(highlight=False, stderr=True)
    _print_checks(console, faults)
    if any(check.stops_training for check in faults):
        console.print("Nothing was trained. `burnish doctor` says more; --no-doctor goes on.")
        sys.exit(_CHECK_FAILED)


def _print_checks(console: Console, checks: Sequence[Check]) -> None:
    table = Table(title="doctor", title_justify="left")
    for column in ("check", "verdict", "what it means"):
        table.add_column(column, overflow="fold")
    for check in checks:
        verdict = Text(check.verdict.value, style=_STYLES[check.verdict])
        meaning = Text(check.meaning)
        if check.advice:
            meaning.append(f"\nWhat to do: {check.advice}", style="yellow")
        table.add_row(Text(check.name), verdict, meaning)
    console.print(table)
    counts = {v: sum(check.verdict is v for check in checks) for v in Verdict}
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _coloured(example: Shown) -> Text:
    """What is learnt in green, what is only read dim."""
    text = Text(f"{example.problem_id}: what is learnt is green\n", style="bold")
    for run, is_learnt in example.runs:
        text.append(run, style="not bold green" if is_learnt else "not bold dim")
    return text.append("\n")
