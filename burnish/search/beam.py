"""Tree of Thoughts, breadth first (arXiv:2305.10601), as ReST-MCTS*'s authors compare with it.

One round is one level: b next steps for every partial solution in the beam, all valued together,
and the `beam_width` best of the level go on. A finished one takes its place in the beam and is not
grown; the search ends at the gate, at the greatest depth or when nothing in the beam can grow.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from burnish.search.asker import Asker
from burnish.search.asks import Asking
from burnish.search.expansion import ExpansionConfig, grow, next_steps
from burnish.search.tree import ROOT, Tree


class BeamConfig(ExpansionConfig):
    """Tree of Thoughts, breadth first (published: branch 3, keep 2, depth 8)."""

    type: Literal["beam"] = "beam"
    """the search"""
    beam_width: int = Field(default=2, ge=1)
    """partial solutions that go on to the next level (published: 2)"""

    def round(self, tree: Tree) -> Asking[None]:
        """One level."""
        ask = Asker(tree)
        beam = list(tree.agenda)
        proposed = yield from next_steps(self, ask, [tree.prefix(node) for node in beam])
        ask.commit()
        level: list[int] = []
        for node, steps in zip(beam, proposed, strict=True):
            level += grow(self, tree, node, steps)
        ranked = sorted(level, key=lambda node: -tree.values[node])
        best = ranked[: self.beam_width]
        for node in best:
            tree.visit([ROOT, *tree.path(node)])
        tree.solution = next((node for node in ranked if self.is_found(tree, node)), -1)
        tree.agenda = [node for node in best if tree.is_open(node)]

    def is_over(self, tree: Tree) -> bool:
        """Whether a solution passed the gate or the beam is empty."""
        return tree.solution >= 0 or not tree.agenda
