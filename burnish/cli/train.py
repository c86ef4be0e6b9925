"""`burnish train`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from burnish.cli.table import print_results
from burnish.report.build import write_report
from burnish.run.driver import Driver
from burnish.run.ownership import Stopped
from burnish.run.progress import ConsoleProgress
from burnish.run.recipe import Recipe, load_recipe
from burnish.types import Json

_SIGNAL_EXIT = 128


def run_training(path: Path, overrides: Sequence[str], folder: Path, *, resume: bool) -> None:
    """Load the recipe at `path`, run it in `folder`, print the table."""
    train(load_recipe(path, overrides), folder, resume=resume)


def train(recipe: Recipe, folder: Path, *, resume: bool) -> dict[str, Json]:
    """Run a recipe, print its table and write its report; exits 130 or 143 when stopped."""
    console = Console()
    try:
        with ConsoleProgress(console) as progress:
            results = Driver(recipe, folder, progress=progress).run(resume=resume)
    except Stopped as stopped:
        console.print(f"Stopped and saved. Continue: the same command with --resume ({folder}).")
        sys.exit(_SIGNAL_EXIT + stopped.signal_number)
    report = write_report(folder)
    print_results(console, results)
    console.print(f"\n[bold]{folder}/results.json[/]   [bold]{report}[/]", highlight=False)
    return results
