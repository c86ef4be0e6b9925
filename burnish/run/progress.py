"""What a person sees while a run goes on: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_SHOWN = {
    "train/loss": "loss",
    "rollout/reward": "reward",
    "rollout/spelled_out": "spelled out",
    "ppo/kl": "kl",
    "rollout/length": "length",
    "dev/accuracy": "dev",
    "dev/auc": "dev auc",
}
_LINES_PER_STAGE = 20


class Progress(Protocol):
    """Receives what happens."""

    def stage(self, name: str, num_done: int, num_steps: int) -> None:
        """A stage begins, or goes on after `num_done` steps."""
        ...

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        """A step is done."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...

    def warn(self, text: str) -> None:
        """Something the user should look at."""
        ...


class Silent:
    """Shows nothing; for tests."""

    def stage(self, name: str, num_done: int, num_steps: int) -> None:
        """As in Progress."""

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        """As in Progress."""

    def note(self, text: str) -> None:
        """As in Progress."""

    def warn(self, text: str) -> None:
        """As in Progress."""


class ConsoleProgress:
    """A bar with the time left in a terminal; some twenty lines a stage elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Bar(
            TextColumn("[bold]{task.description:>8}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[facts]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._name, self._num_steps = "", 0

    def __enter__(self) -> ConsoleProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def stage(self, name: str, num_done: int, num_steps: int) -> None:
        """As in Progress."""
        self._end_stage()
        self._name, self._num_steps = name, num_steps
        self._task = self._bar.add_task(name, total=num_steps, completed=num_done, facts="")

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        """As in Progress."""
        facts = "  ".join(
            f"{label} {metrics[name]:.3g}" for name, label in _SHOWN.items() if name in metrics
        )
        if self._task is not None:
            self._bar.update(self._task, completed=num_done, facts=facts)
        is_due = num_done % max(1, self._num_steps // _LINES_PER_STAGE) == 0
        if not self._console.is_terminal and (
            is_due or any(name.startswith("dev/") for name in metrics)
        ):
            self._console.print(
                f"{self._name} {num_done}/{self._num_steps}  {facts}", highlight=False
            )

    def note(self, text: str) -> None:
        """As in Progress."""
        self._end_stage()
        self._console.print(text, highlight=False)

    def warn(self, text: str) -> None:
        """As in Progress."""
        self._console.print(f"[yellow]warning:[/] {escape(text)}", highlight=False)

    def _end_stage(self) -> None:
        """A stage that stopped early is shown as complete."""
        if self._task is not None:
            done = self._bar.tasks[self._task].completed
            self._bar.update(self._task, total=done)
            self._bar.stop_task(self._task)
            self._task = None
