"""What a value model reads in one pass is charged once.

A solution and its beginnings, asked for together, are one text with a number after each step: the
straight steps of a rollout, and the samples of best-of-n where each step counts (`aggregate: min`).
Charged are the tokens of the longest; paths that part are charged each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from burnish.search.asks import Prefix, Step, Valuation, Valuer


class OnePassCharges:
    """Another valuer's values, without a charge for the beginnings of what is read anyway."""

    def __init__(self, valuer: Valuer) -> None:
        self._valuer = valuer

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """The value of each prefix, in order."""
        passed = {beginning for prefix in prefixes for beginning in _beginnings(prefix)}
        return [
            replace(valuation, num_tokens=0)
            if (prefix.tree_id, prefix.steps) in passed
            else valuation
            for prefix, valuation in zip(prefixes, self._valuer.value(prefixes), strict=True)
        ]


def _beginnings(prefix: Prefix) -> list[tuple[str, tuple[Step, ...]]]:
    """What a pass over the prefix comes by."""
    return [(prefix.tree_id, prefix.steps[:length]) for length in range(1, len(prefix.steps))]
