"""`burnish runs`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from burnish.errors import ConfigError
from burnish.run.listing import RunSummary, runs_in

_COLOURS = {"running": "cyan", "finished": "green", "interrupted": "yellow", "failed": "red"}


def list_runs(folder: Path) -> None:
    """Path, method, task, state, place and accuracy of every run below `folder`."""
    runs = runs_in(folder)
    if not runs:
        raise ConfigError(f"{folder} holds no runs (folders with a config.yaml); name another.")
    table = Table(box=None, pad_edge=False, title=f"runs in {folder}", title_justify="left")
    for column in ("run", "method", "task", "state", "last step", "greedy", "started"):
        table.add_column(column, overflow="fold")
    for run in runs:
        table.add_row(*_cells(run, str(run.path.relative_to(folder))))
    console = Console()
    console.print(table)
    for run in runs:
        if run.state.standing == "failed":
            console.print(f"\n[bold]{escape(str(run.path))}[/] failed: {escape(run.state.why)}")


def _cells(run: RunSummary, name: str) -> tuple[str, ...]:
    state = run.state
    standing = f"[{_COLOURS[state.standing]}]{state.standing}[/]"
    if state.standing == "running":
        standing = f"{standing} ({escape(state.owner)})"
    elif state.standing == "interrupted" and state.why:
        standing = f"{standing} ({escape(state.why)})"
    accuracy = "" if run.accuracy is None else f"{100 * run.accuracy:.1f} %"
    texts = (escape(text) for text in (name, run.method, run.task))
    return (*texts, standing, escape(run.place), accuracy, state.started.replace("+00:00", ""))
