"""`burnish forecast`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from burnish.evaluation.forecast import Outlook, advice
from burnish.run.forecast import Costs, stage_costs, start_outlook
from burnish.run.recipe import load_recipe
from burnish.types import Json

_MIN_WIDTH = 100
_SHARES = {
    "never": "problems never solved",
    "sometimes": "problems sometimes solved",
    "always": "problems always solved",
    "pass_rate": "samples right",
    "truncated": "samples cut off",
    "covered": "problems with a right answer among {size}",
    "signal": "groups of {size} with something to choose between",
}


def run_forecast(
    path: Path,
    overrides: Sequence[str],
    *,
    model: str | None,
    num_samples: int | None,
    num_problems: int,
    num_steps: int,
    out: Path | None,
) -> None:
    """Print what a recipe's start model can learn from, and what the run will take.

    Args:
        model: the start model instead, such as the checkpoint of a warm-up.
        num_samples: of each problem; None: as the method samples.
        num_problems: train problems that are asked, 0 for all.
        num_steps: steps of each stage that are tried; 0: the cost is not measured.
    """
    recipe = load_recipe(path, overrides)
    if model is not None:
        named = recipe.model.model_copy(update={"name": model})
        recipe = recipe.model_copy(update={"model": named})
    recipe = recipe.model_copy(update={"compute": recipe.compute.pinned()})
    bench = recipe.workbench()
    console = Console(highlight=False, width=max(_MIN_WIDTH, Console().width))
    found = start_outlook(recipe, bench, num_samples=num_samples, num_problems=num_problems)
    sentences = advice(found)
    _print_outlook(console, found, recipe.model.name)
    tree: dict[str, Json] = {"model": recipe.model.name, "outlook": found.as_json()}
    if num_steps:
        with TemporaryDirectory() as folder:
            costs = stage_costs(recipe, bench, Path(folder), num_tried=num_steps)
        _print_costs(console, costs)
        tree["costs"] = costs.as_json()
    for sentence in sentences:
        console.print(sentence, style="yellow", markup=False)
    if not sentences:
        console.print("There is enough to learn from.", style="green")
    if out is not None:
        text = json.dumps(tree | {"advice": [*sentences]}, indent=2)
        out.write_text(text + "\n", encoding="utf-8")


def _print_outlook(console: Console, found: Outlook, model: str) -> None:
    intervals = found.intervals()
    title = f"{model}: {found.signal.n} train problems, {found.num_samples} samples of each"
    table = Table(title=title, title_justify="left")
    for column in ("in percent", "share", "95 % interval"):
        table.add_column(column, justify="left" if column == "in percent" else "right")
    for name, words in _SHARES.items():
        shown = intervals[name]
        table.add_row(
            words.format(size=found.group_size),
            f"{100 * shown.value:.1f}",
            f"{100 * shown.low:.1f} to {100 * shown.high:.1f}",
        )
    console.print(table)


def _print_costs(console: Console, costs: Costs) -> None:
    table = Table(title="what it will take, from a few steps", title_justify="left")
    for column in ("stage", "steps", "seconds a step", "dev evaluations", "minutes"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in costs.stages:
        table.add_row(
            stage.name,
            str(stage.num_steps),
            f"{stage.step_s:.2f}",
            f"{stage.num_evaluations} x {stage.evaluation_s:.1f} s",
            f"{stage.seconds / 60:.1f}",
        )
    console.print(table)
    minutes = sum(stage.seconds for stage in costs.stages) / 60
    console.print(
        f"about {minutes:.1f} minutes before the test split, {costs.peak_bytes / 2**30:.1f} GiB of "
        "memory at most; answers that grow longer in training take longer"
    )
    if costs.not_tried:
        console.print(f"not tried, as they need what stands before: {', '.join(costs.not_tried)}")
