"""The nodes of a search tree that the page shows, and what each of them says."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from burnish.search.asks import End
from burnish.search.solutions import best_finished
from burnish.search.tree import CORRECT, ROOT, UNVERIFIED, WRONG, Tree

Mark: TypeAlias = Literal["right", "wrong", "finished", "ended", "open"]

_ENDS: Mapping[End, str] = {
    End.OPEN: "",
    End.FINAL: "finished",
    End.CUT: "cut by the token limit",
    End.DEEP: "at the depth limit",
    End.STUCK: "no next step was proposed",
}
_MOST_NODES = 160
"""Of a tree; what is left out is counted where it hangs."""
_MOST_LEVELS = 48
"""A path that is longer is shown up to here: pages nest only so far."""
_MOST_CHARS = 4000
_EXCERPT = 100


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One node and what hangs below it.

    Attributes:
        number: its id in the tree.
        excerpt: its step on one line, shortened; the whole of it is `text`.
        value: V, as written; `share` is V within 0 and 1, for a bar.
        facts: name and text of what else is known.
        visits: how often the search went through it.
        end: why nothing follows; empty where something may.
        mark: right or wrong where a solution was compared with the gold answer; else finished,
            ended (without a solution) or open.
        is_best: whether it lies on the path to the best solution.
        num_hidden: nodes below it that the page leaves out.
        num_right: right solutions at it and below, those left out included.
        children: in the order of value.
    """

    number: int
    excerpt: str
    text: str
    value: str
    share: float
    facts: tuple[tuple[str, str], ...]
    visits: int
    end: str
    mark: Mark
    is_best: bool
    num_hidden: int
    num_right: int
    children: tuple[TreeNode, ...]

    @property
    def size(self) -> int:
        """How many nodes are shown, this one included."""
        return 1 + sum(child.size for child in self.children)


def shown_root(tree: Tree) -> TreeNode:
    """The root, below it the nodes worth showing: no more than a page can hold."""
    shown = _worth_showing(tree)
    hidden, right = _below(tree, shown)
    best = best_finished(tree)
    best_path = {ROOT} if best is None else {ROOT, *tree.path(best)}
    made: dict[int, TreeNode] = {}
    for node in sorted(shown, reverse=True):  # children have greater ids than their parents
        below = sorted((c for c in tree.children[node] if c in made), key=lambda c: _rank(tree, c))
        children = tuple(made[child] for child in below)
        made[node] = _node(tree, node, children, (hidden[node], right[node]), node in best_path)
    return made[ROOT]


def _worth_showing(tree: Tree) -> set[int]:
    """The root, the paths to the best and to verified solutions, then what was visited most."""
    best = best_finished(tree)
    ends = [] if best is None else [best]
    ends += [node for node in range(len(tree)) if tree.verified[node] == CORRECT]
    ends += [node for node in range(len(tree)) if tree.verified[node] == WRONG]
    shown = {ROOT}
    for node in ends:
        path = tree.path(node)[:_MOST_LEVELS]
        if len(shown.union(path)) <= _MOST_NODES:
            shown.update(path)
    return _grown(tree, shown)


def _grown(tree: Tree, shown: set[int]) -> set[int]:
    """The same and the most visited nodes that hang on them, to the limit."""
    waiting: list[tuple[tuple[int, float, int], int]] = []

    def wait_for_children(node: int) -> None:
        if tree.depths[node] < _MOST_LEVELS:
            for child in tree.children[node]:
                if child not in shown:
                    heapq.heappush(waiting, ((-tree.visits[child], *_rank(tree, child)), child))

    for node in tuple(shown):
        wait_for_children(node)
    while waiting and len(shown) < _MOST_NODES:
        _, node = heapq.heappop(waiting)
        shown.add(node)
        wait_for_children(node)
    return shown


def _below(tree: Tree, shown: set[int]) -> tuple[list[int], list[int]]:
    """By node: how many nodes that hang below it are left out; how many right solutions it has.

    What is left out below a shown node is counted at the deepest shown one above it.
    """
    hidden = [0] * len(tree)
    right = [int(verdict == CORRECT) for verdict in tree.verified]
    for node in range(len(tree) - 1, ROOT, -1):
        parent = tree.parents[node]
        right[parent] += right[node]
        if node not in shown:
            hidden[parent] += hidden[node] + 1
    return hidden, right


def _rank(tree: Tree, node: int) -> tuple[float, int]:
    """Sorts by value, the greatest first, then by age."""
    value = tree.values[node]
    return (-value if math.isfinite(value) else math.inf, node)


def _node(
    tree: Tree,
    node: int,
    children: tuple[TreeNode, ...],
    below: tuple[int, int],
    is_best: bool,
) -> TreeNode:
    text = tree.steps[node].text
    num_hidden, num_right = below
    return TreeNode(
        number=node,
        excerpt=one_line(text) or "(no text)",
        text=shortened(text.strip("\n")),
        value=_number(tree.values[node]),
        share=_share(tree.values[node]),
        facts=_node_facts(tree, node),
        visits=tree.visits[node],
        end=_ENDS[End(tree.ends[node])],
        mark=_mark(tree, node),
        is_best=is_best,
        num_hidden=num_hidden,
        num_right=num_right,
        children=children,
    )


def _mark(tree: Tree, node: int) -> Mark:
    if tree.verified[node] != UNVERIFIED:
        return "right" if tree.verified[node] == CORRECT else "wrong"
    if tree.ends[node] == End.OPEN:
        return "open"
    return "finished" if tree.ends[node] == End.FINAL else "ended"


def _node_facts(tree: Tree, node: int) -> tuple[tuple[str, str], ...]:
    model_value = tree.model_values[node]
    facts = {
        "value": _number(tree.values[node]),
        "value model": "not asked" if math.isnan(model_value) else _number(model_value),
        "visits": f"{tree.visits[node]:,}",
        "step": str(tree.depths[node]),
        "tokens": f"{tree.steps[node].num_tokens:,}",
        "next steps": f"{len(tree.children[node]):,}",
    }
    return tuple(facts.items())


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "\u2212") if math.isfinite(value) else "\u2013"


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def clean(text: str) -> str:
    """The text with a sign in place of what a page cannot show, or what hides or turns text."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def one_line(text: str) -> str:
    """The beginning of a text, as one line."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1].rstrip() + "\u2026"


def shortened(text: str) -> str:
    """A text as it stands, up to what a page can hold of each."""
    text = clean(text)
    more = len(text) - _MOST_CHARS
    return text if more <= 0 else f"{text[:_MOST_CHARS]}\u2026 ({more:,} more characters)"
