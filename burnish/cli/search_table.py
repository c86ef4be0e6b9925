"""What a search found, and what it cost, in the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from burnish.cli.correction_table import percent
from burnish.search.asks import End
from burnish.search.tree import Tree
from burnish.types import Json

_MEANS = {"sampled": "sampled_tokens", "read": "value_tokens", "nodes": "nodes"}
_EQUAL = 5e-4
"""Values that are written alike."""


def print_solution(console: Console, tree: Tree, node: int) -> None:
    """The steps to a node with their values, whether they are finished, and the bill.

    `V` is what the search thinks of a step after it looked ahead, `model` what the value model said
    of it at once, where that is something else.
    """
    path = tree.path(node)
    is_blended = any(_differs(tree.values[i], tree.model_values[i]) for i in path)
    table = Table(show_edge=False)
    for column in ("V", "model") if is_blended else ("V",):
        table.add_column(column, justify="right")
    table.add_column("step")
    for i in path:
        model = [_number(tree.model_values[i])] if is_blended else []
        table.add_row(_shown_value(tree, i), *model, escape(tree.steps[i].text.strip()))
    console.print(table)
    if tree.ends[node] != End.FINAL:
        console.print("[yellow]not finished:[/] no finished solution was found")
    console.print(_bill(tree), style="dim", highlight=False)


def _bill(tree: Tree) -> str:
    spent = tree.spent
    read = f", {spent.value_tokens} read for {len(tree.known_values)} values"
    asked = f", {spent.critic_tokens} for {len(tree.known_critiques)} critiques"
    return (
        f"{spent.tokens} tokens: {spent.proposal_tokens} sampled"
        f"{read if tree.known_values else ''}{asked if spent.critic_tokens else ''}; "
        f"{len(tree)} nodes, {tree.num_rounds} round{'' if tree.num_rounds == 1 else 's'}"
    )


def _shown_value(tree: Tree, node: int) -> str:
    """V, where something was said of the node: by the value model, or by a look ahead."""
    is_known = tree.values[node] or not math.isnan(tree.model_values[node])
    return _number(tree.values[node] if is_known else math.nan)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _differs(value: float, model_value: float) -> bool:
    return not math.isnan(model_value) and abs(value - model_value) > _EQUAL


def print_searches(console: Console, results: Mapping[str, Json]) -> None:
    """A row for each method and budget: accuracy in percent with interval, and mean costs.

    Costs are tokens sampled by the policy, tokens read by the value model, and nodes.
    """
    table = Table(
        title=f"searches of {results['test_size']} problems: percent, and means of a problem",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for column in ("method", "budget", "accuracy", "covered", *_MEANS, "finished"):
        table.add_column(column, justify="left" if column == "method" else "right", no_wrap=True)
    searches = results["searches"]
    for method, rows in searches.items() if isinstance(searches, dict) else ():
        for budget, row in rows.items() if isinstance(rows, dict) else ():
            if isinstance(row, dict):
                table.add_row(method.replace("_", "\n"), budget, *_cells(row))
    console.print(table)
    if results["without_gold"]:
        console.print(f"{results['without_gold']} problems without a gold answer were left out")


def _cells(row: Mapping[str, Json]) -> list[str]:
    means = [f"{float(str(row[name])):.0f}" for name in _MEANS.values()]
    shares = [percent(row[name]).replace("  ", "\n") for name in ("accuracy", "covered")]
    return [*shares, *means, f"{100 * float(str(row['finished'])):.0f}"]
