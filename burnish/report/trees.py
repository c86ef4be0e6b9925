"""Search trees as the page shows them: which trees, which of their nodes, and what each says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal, TypeAlias

from burnish.report.tree_drawing import TreeDrawing, drawing_of
from burnish.report.tree_files import TreeFile
from burnish.report.tree_nodes import TreeNode, clean, one_line, shortened, shown_root
from burnish.report.wording import label
from burnish.search.asks import End
from burnish.search.solutions import best_finished
from burnish.search.tree import CORRECT, UNVERIFIED, WRONG, Tree

Outcome: TypeAlias = Literal["found", "overlooked", "missed", "unverified", "unfinished"]

OUTCOMES: Mapping[Outcome, str] = {
    "found": "best solution right",
    "overlooked": "a right one was there, another was chosen",
    "missed": "no right solution",
    "unverified": "not compared with a gold answer",
    "unfinished": "no finished solution",
}
"""What can become of a search, in the order of interest."""

_MOST_TREES = 8
"""Of a file."""


@dataclass(frozen=True, slots=True)
class TreeView:
    """One tree.

    Attributes:
        tree_id: of the question.
        excerpt: the question on one line, shortened; the whole of it is `question`.
        outcome: what became of the search.
        facts: name and text of what the search cost and found.
        nodes: those below the root; empty where nothing was proposed.
        num_shown: how many of its `num_nodes` nodes the page shows; the root is not counted.
        drawing: the same nodes as a picture; None where there are none.
    """

    tree_id: str
    excerpt: str
    question: str
    outcome: Outcome
    facts: tuple[tuple[str, str], ...]
    nodes: tuple[TreeNode, ...]
    num_shown: int
    num_nodes: int
    drawing: TreeDrawing | None


@dataclass(frozen=True, slots=True)
class TreeGroup:
    """The trees of one file: how many there are of each outcome, and those shown."""

    title: str
    num_trees: int
    counts: Mapping[Outcome, int]
    shown: tuple[TreeView, ...]


def tree_groups(files: Sequence[TreeFile]) -> list[TreeGroup]:
    """The files' trees, the latest file first."""
    several = {stage for stage, count in Counter(file.stage for file in files).items() if count > 1}
    return [_group(file, is_alone=file.stage not in several) for file in reversed(files)]


def tree_view(tree: Tree) -> TreeView:
    """One tree, cut down to what a page can hold."""
    root = shown_root(tree)
    return TreeView(
        tree_id=clean(tree.tree_id),
        excerpt=one_line(tree.question),
        question=shortened(tree.question),
        outcome=outcome_of(tree),
        facts=_tree_facts(tree),
        nodes=root.children,
        num_shown=root.size - 1,
        num_nodes=len(tree) - 1,
        drawing=drawing_of(root) if root.children else None,
    )


def outcome_of(tree: Tree) -> Outcome:
    """What became of a search."""
    best = best_finished(tree)
    if CORRECT in tree.verified:
        return "found" if best is not None and tree.verified[best] == CORRECT else "overlooked"
    if WRONG in tree.verified:
        return "missed"
    return "unfinished" if best is None else "unverified"


def _group(file: TreeFile, *, is_alone: bool) -> TreeGroup:
    by_outcome: dict[Outcome, list[Tree]] = {outcome: [] for outcome in OUTCOMES}
    for tree in file.trees:
        by_outcome[outcome_of(tree)].append(tree)
    turns = chain.from_iterable(zip_longest(*by_outcome.values()))
    chosen = [tree for tree in turns if tree is not None][:_MOST_TREES]
    title = label(file.stage or file.name)
    return TreeGroup(
        title=title if is_alone or not file.stage else f"{title}, {file.name}",
        num_trees=len(file.trees),
        counts={outcome: len(trees) for outcome, trees in by_outcome.items() if trees},
        shown=tuple(tree_view(tree) for tree in chosen),
    )


def _tree_facts(tree: Tree) -> tuple[tuple[str, str], ...]:
    spent = tree.spent
    finished = sum(end == End.FINAL for end in tree.ends)
    verdicts = list(tree.verified)
    is_verified = max(verdicts) != UNVERIFIED
    facts = {
        "nodes": f"{len(tree) - 1:,}",
        "depth": str(max(tree.depths)),
        "finished solutions": f"{finished:,}",
        "of them right": f"{verdicts.count(CORRECT):,}" if is_verified else "",
        "rounds": f"{tree.num_rounds:,}",
        "tokens": f"{spent.tokens:,}",
        "of them read by the value model": f"{spent.value_tokens:,}" if spent.value_tokens else "",
        "model calls": f"{spent.model_calls:,}",
    }
    return tuple((name, value) for name, value in facts.items() if value)
