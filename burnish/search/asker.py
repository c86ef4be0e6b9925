"""How a round of a search asks: seeds by place, no prefix valued twice, nothing kept too early.

A round asks first and changes the tree last (`commit` and what follows it). So a round that is
stopped half-way leaves the tree as it was before, and its answers, replayed, bring it back.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

from burnish.search.asks import (
    Asking,
    Continuation,
    Criticise,
    Criticised,
    Critique,
    Prefix,
    ProposalRequest,
    Propose,
    Proposed,
    Value,
    Valued,
)
from burnish.search.tree import Tree, prefix_key

Chosen = TypeVar("Chosen")


def place_seed(tree: Tree, *place: str | int) -> int:
    """A 63-bit seed for one place in the search of one tree, whatever else is searched."""
    key = repr((tree.seed, tree.tree_id, *place)).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1


class Asker:
    """The questions of one round of one tree."""

    def __init__(self, tree: Tree) -> None:
        """Reads the tree, and changes it in `commit` alone."""
        self._tree = tree
        self._num_requests = tree.num_requests
        self._values: dict[str, float] = {}
        self._critiques: dict[str, Critique] = {}

    def propose(
        self, wanted: Sequence[tuple[Prefix, int]], *, max_steps: int | None = 1
    ) -> Asking[tuple[tuple[Continuation, ...], ...]]:
        """Continuations for each pair of a prefix and how many of them are wanted."""
        requests = tuple(self._request(prefix, num, max_steps) for prefix, num in wanted)
        if not requests:
            return ()
        reply = yield Propose(requests)
        assert isinstance(reply, Proposed)
        return reply.continuations

    def value(self, prefixes: Sequence[Prefix]) -> Asking[list[float]]:
        """The value model's numbers; a prefix that was valued before is not asked for again."""
        keys = [prefix_key(prefix.steps) for prefix in prefixes]
        unknown = {
            key: prefix
            for key, prefix in zip(keys, prefixes, strict=True)
            if key not in self._values and key not in self._tree.known_values
        }
        if unknown:
            reply = yield Value(tuple(unknown.values()))
            assert isinstance(reply, Valued)
            for key, valuation in zip(unknown, reply.valuations, strict=True):
                self._values[key] = valuation.value
        known = self._tree.known_values
        return [self._values[key] if key in self._values else known[key] for key in keys]

    def criticise(self, prefix: Prefix) -> Asking[Critique]:
        """The critic's word on a prefix, asked for once; its advice goes with later requests."""
        key = prefix_key(prefix.steps)
        critique = self._critique(key)
        if critique is None:
            reply = yield Criticise((prefix,))
            assert isinstance(reply, Criticised)
            critique = self._critiques[key] = reply.critiques[0]
        return critique

    def choice(self, options: Sequence[Chosen], purpose: str, node: int) -> Chosen:
        """One of them by chance: that of this purpose at this node in this round."""
        if len(options) == 1:
            return options[0]
        seed = place_seed(self._tree, purpose, self._tree.num_rounds, node)
        return random.Random(seed).choice(options)

    def commit(self) -> None:
        """Keep what was learnt. Nothing may be asked after it."""
        self._tree.num_requests = self._num_requests
        self._tree.known_values.update(self._values)
        self._tree.known_critiques.update(self._critiques)

    def _request(self, prefix: Prefix, num: int, max_steps: int | None) -> ProposalRequest:
        place = self._num_requests
        self._num_requests += 1
        seeds = tuple(place_seed(self._tree, "propose", place, i) for i in range(num))
        critique = self._critique(prefix_key(prefix.steps))
        return ProposalRequest(prefix, seeds, max_steps, critique.advice if critique else "")

    def _critique(self, key: str) -> Critique | None:
        return self._critiques.get(key) or self._tree.known_critiques.get(key)
