"""What a search found, and what it cost, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from burnish.cli.correction_table import percent
from burnish.search.asks import End
from burnish.search.solutions import solution_at
from burnish.search.tree import Tree
from burnish.types import Json

_MEANS = {"sampled": "sampled_tokens", "read": "value_tokens", "nodes": "nodes"}


def print_solution(console: Console, tree: Tree, node: int) -> None:
    """The steps to a node with their values, whether they are finished, and the bill."""
    solution = solution_at(tree, node)
    table = Table(show_edge=False)
    table.add_column("V", justify="right")
    table.add_column("step")
    for value, step in zip(solution.step_values, solution.steps, strict=True):
        table.add_row(f"{value:.3f}", step.strip().replace("[", "\\["))
    console.print(table)
    if tree.ends[node] != End.FINAL:
        console.print("[yellow]not finished:[/] no finished solution was found")
    spent = tree.spent
    console.print(
        f"{spent.tokens} tokens: {spent.proposal_tokens} sampled, {spent.value_tokens} read for "
        f"{len(tree.known_values)} values; {len(tree)} nodes, {tree.num_rounds} rounds",
        style="dim",
        highlight=False,
    )


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
                table.add_row(method, budget, *_cells(row))
    console.print(table)
    if results["without_gold"]:
        console.print(f"{results['without_gold']} problems without a gold answer were left out")


def _cells(row: Mapping[str, Json]) -> list[str]:
    means = [f"{float(str(row[name])):.0f}" for name in _MEANS.values()]
    shares = [percent(row[name]).replace("  ", "\n") for name in ("accuracy", "covered")]
    return [*shares, *means, f"{100 * float(str(row['finished'])):.0f}"]
