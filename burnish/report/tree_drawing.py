"""A search tree as a picture: the root on top, a row per step, room by the leaves below."""

from __future__ import annotations

import math
from dataclasses import dataclass

from burnish.report.tree_nodes import Mark, TreeNode

_LEAF_WIDTHS = (15.0, 24.0)
_ROW_HEIGHTS = (12.0, 40.0)
_WIDEST, _TALLEST = 1060.0, 560.0
"""Pixels that leaves and rows share, as far as their least distance lets them."""
_MARGIN = 18.0
_SMALLEST, _LARGEST = 4.0, 9.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A node: its place and radius in pixels, V within 0 and 1, and what its sign says."""

    number: int
    x: float
    y: float
    radius: float
    share: float
    mark: Mark
    is_best: bool
    tip: str


@dataclass(frozen=True, slots=True)
class Branch:
    """The line from a node to its child."""

    path: str
    is_best: bool


@dataclass(frozen=True, slots=True)
class TreeDrawing:
    """Sizes in pixels. The lines of the best path come last, so that they lie on top."""

    width: float
    height: float
    branches: tuple[Branch, ...]
    dots: tuple[Dot, ...]


def drawing_of(root: TreeNode) -> TreeDrawing:
    """The picture of a root and all nodes below it."""
    rows = _rows(root)
    columns, num_leaves = _columns(rows)
    depth = max(row for _, row in rows)
    height = _within(_TALLEST / max(depth, 1), _ROW_HEIGHTS)
    leaf = _within(_WIDEST / num_leaves, _LEAF_WIDTHS)
    at = {
        node.number: (_MARGIN + columns[node.number] * leaf, _MARGIN + row * height)
        for node, row in rows
    }
    most = max((node.visits for node, _ in rows[1:]), default=0)
    branches = [
        Branch(_curve(at[node.number], at[child.number]), child.is_best)
        for node, _ in rows
        for child in node.children
    ]
    return TreeDrawing(
        width=2 * _MARGIN + (num_leaves - 1) * leaf,
        height=2 * _MARGIN + depth * height,
        branches=tuple(sorted(branches, key=lambda branch: branch.is_best)),
        dots=tuple(_dot(node, at[node.number], most) for node, _ in rows),
    )


def _rows(root: TreeNode) -> list[tuple[TreeNode, int]]:
    """All nodes with their depth, each before what hangs on it, siblings from left to right."""
    found: list[tuple[TreeNode, int]] = []
    waiting = [(root, 0)]
    while waiting:
        node, row = waiting.pop()
        found.append((node, row))
        waiting += [(child, row + 1) for child in reversed(node.children)]
    return found


def _columns(rows: list[tuple[TreeNode, int]]) -> tuple[dict[int, float], int]:
    """By node the column of a leaf, or the middle of its children's; and how many columns."""
    leaves = [node.number for node, _ in rows if not node.children]
    found = {number: float(column) for column, number in enumerate(leaves)}
    for node, _ in reversed(rows):
        if node.children:
            first, last = (found[node.children[i].number] for i in (0, -1))
            found[node.number] = (first + last) / 2
    return found, len(leaves)


def _dot(node: TreeNode, place: tuple[float, float], most_visits: int) -> Dot:
    part = math.sqrt(min(node.visits / most_visits, 1.0)) if most_visits else 0.0
    return Dot(
        number=node.number,
        x=place[0],
        y=place[1],
        radius=_SMALLEST + (_LARGEST - _SMALLEST) * part,
        share=node.share,
        mark=node.mark,
        is_best=node.is_best,
        tip=f"{node.excerpt} \u00b7 V {node.value}, {node.visits:,} visits",
    )


def _within(size: float, limits: tuple[float, float]) -> float:
    return min(max(size, limits[0]), limits[1])


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = start, end
    middle = (y + to_y) / 2
    return f"M{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
