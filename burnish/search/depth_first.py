"""Tree of Thoughts, depth first (arXiv:2305.10601), as ReST-MCTS*'s authors compare with it.

One round grows one partial solution: of its b next steps the `keep` best that are worth
`prune_below` or more are remembered, and the best of them is grown next; at a dead end the search
goes back to the best step that it has not tried. It ends at the gate or when none is left.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from burnish.search.asker import Asker
from burnish.search.asks import Asking
from burnish.search.expansion import ExpansionConfig, grow, next_steps
from burnish.search.tree import ROOT, Tree


class DepthFirstConfig(ExpansionConfig):
    """Tree of Thoughts, depth first (published: branch 3, keep 2, depth 8)."""

    type: Literal["depth_first"] = "depth_first"
    """the search"""
    keep: int = Field(default=2, ge=1)
    """children of a node that are tried (published: 2)"""
    prune_below: float = 0.0
    """value below which a child is not tried"""
    max_expansions: int = Field(default=100, ge=1)
    """nodes grown at most; the published search has its depth alone"""

    def round(self, tree: Tree) -> Asking[None]:
        """Grow the node on top of the agenda."""
        ask = Asker(tree)
        node = tree.agenda[-1]
        (proposed,) = yield from next_steps(self, ask, [tree.prefix(node)])
        ask.commit()
        children = grow(self, tree, node, proposed)
        tree.visit([ROOT, *tree.path(node)])
        ranked = sorted(children, key=lambda child: -tree.values[child])
        tree.solution = next((node for node in ranked if self.is_found(tree, node)), -1)
        tried = [child for child in ranked[: self.keep] if tree.values[child] >= self.prune_below]
        waiting = [child for child in reversed(tried) if tree.is_open(child)]
        tree.agenda = tree.agenda[:-1] + waiting

    def is_over(self, tree: Tree) -> bool:
        """Whether a solution passed the gate, nothing is left to try or enough nodes are grown."""
        is_used_up = tree.num_rounds >= self.max_expansions
        return tree.solution >= 0 or not tree.agenda or is_used_up
