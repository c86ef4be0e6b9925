"""Searches that sample whole solutions share them: what was sampled once is not sampled again.

Self-consistency, best-of-n and weighted votes draw the same solutions of a question, as the seeds
come from the tree and the place in its search. Compared with each other on the same models, they
are answered from here. Each is charged all the same: budgets do not know of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from burnish.search.asks import (
    Continuation,
    Prefix,
    ProposalRequest,
    Proposer,
    Step,
    Valuation,
    Valuer,
)

SampleKey: TypeAlias = tuple[str, int]
"""The tree and the seed of a whole solution."""
PathKey: TypeAlias = tuple[str, tuple[Step, ...]]
"""The tree and the steps of what was valued."""


class RememberingProposer:
    """Asks another proposer for each whole solution once; steps are not remembered."""

    def __init__(self, proposer: Proposer, known: dict[SampleKey, Continuation]) -> None:
        """`known`: what was sampled before by the same proposer; it grows."""
        self._proposer = proposer
        self._known = known

    def propose(self, requests: Sequence[ProposalRequest]) -> list[Sequence[Continuation]]:
        """Continuations for each request, one a seed, in order."""
        missing = [self._missing(request) for request in requests]
        asked = [request for request in missing if request.seeds]
        answers = iter(self._proposer.propose(asked) if asked else ())
        found: list[Sequence[Continuation]] = []
        for request, unknown in zip(requests, missing, strict=True):
            fresh = next(answers) if unknown.seeds else ()
            if not _is_whole(request):
                found.append(fresh)
                continue
            self._known |= zip(_keys(unknown), fresh, strict=True)
            found.append([self._known[key] for key in _keys(request)])
        return found

    def _missing(self, request: ProposalRequest) -> ProposalRequest:
        """The request for those of its seeds that were not asked for yet."""
        if not _is_whole(request):
            return request
        seeds = tuple(seed for tree, seed in _keys(request) if (tree, seed) not in self._known)
        return replace(request, seeds=seeds)


class RememberingValuer:
    """Asks another valuer for each prefix once."""

    def __init__(self, valuer: Valuer, known: dict[PathKey, Valuation]) -> None:
        """`known`: what was valued before by the same valuer; it grows."""
        self._valuer = valuer
        self._known = known

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """The value of each prefix, in order."""
        keys: list[PathKey] = [(prefix.tree_id, prefix.steps) for prefix in prefixes]
        unknown = {
            key: prefix
            for key, prefix in zip(keys, prefixes, strict=True)
            if key not in self._known
        }
        if unknown:
            values = self._valuer.value(list(unknown.values()))
            self._known |= zip(unknown, values, strict=True)
        return [self._known[key] for key in keys]


def _is_whole(request: ProposalRequest) -> bool:
    """Whether solutions are asked for from their first step to their last."""
    return request.max_steps is None and not request.prefix.steps and not request.advice


def _keys(request: ProposalRequest) -> list[SampleKey]:
    return [(request.prefix.tree_id, seed) for seed in request.seeds]
