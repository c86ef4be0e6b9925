"""`burnish repro`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from burnish.run.repro import replay


def run_repro(folder: Path, overrides: Sequence[str]) -> None:
    """Do the failed step again and say what came of it; exits 1 where it fails again."""
    found = replay(folder, overrides)
    place = f"{found.failed.stage}, step {found.failed.step}"
    if found.error is None:
        settings = f" with {' '.join(overrides)}" if overrides else ""
        typer.echo(f"{place} does not fail{settings}. The run said: {found.failed.error}")
        return
    typer.echo(f"{place} fails again: {found.error}")
    if found.module:
        typer.echo(f"The first output that was not finite: {found.module}.")
    sys.exit(1)
