"""The finished solutions of a tree, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass

from burnish.search.asks import End
from burnish.search.tree import ROOT, UNVERIFIED, Tree


@dataclass(frozen=True, slots=True)
class Solution:
    """A path from the root to a finished leaf (or to another node, where `best_node` says so).

    Attributes:
        node: its id.
        text: all steps.
        steps: their texts.
        step_values: V of each step's node.
        value: V of the last one.
        visits: how often it was visited (sampled, in searches that sample).
        is_correct: the verdict; None where there is none.
    """

    node: int
    text: str
    steps: tuple[str, ...]
    step_values: tuple[float, ...]
    value: float
    visits: int
    is_correct: bool | None


def solution_at(tree: Tree, node: int) -> Solution:
    """The path to one node."""
    path = tree.path(node)
    steps = tuple(tree.steps[i].text for i in path)
    verdict = tree.verified[node]
    return Solution(
        node,
        "".join(steps),
        steps,
        tuple(tree.values[i] for i in path),
        tree.values[node],
        tree.visits[node],
        None if verdict == UNVERIFIED else bool(verdict),
    )


def finished_nodes(tree: Tree) -> list[int]:
    """The nodes at which a solution is finished, in the order in which they were found."""
    return [node for node in range(1, len(tree)) if tree.ends[node] == End.FINAL]


def solutions(tree: Tree) -> list[Solution]:
    """All finished solutions: what an answer is extracted from, and what a vote is held over."""
    return [solution_at(tree, node) for node in finished_nodes(tree)]


def best_finished(tree: Tree) -> int | None:
    """Where the search ended early, else the finished node of greatest V; of equals the one with
    most visits, then the first. None where nothing is finished."""
    if tree.solution >= 0:
        return tree.solution
    return _best(tree, finished_nodes(tree))


def best_node(tree: Tree) -> int | None:
    """As `best_finished`, but over all nodes save the root: the published rule."""
    if tree.solution >= 0:
        return tree.solution
    return _best(tree, list(range(ROOT + 1, len(tree))))


def _best(tree: Tree, nodes: list[int]) -> int | None:
    return max(nodes, key=lambda i: (tree.values[i], tree.visits[i], -i), default=None)
