"""Whole solutions of a policy that does not end them by itself, but by a text it was shown.

A pretrained model that goes on with examples writes `[DONE]` behind a program and then invents the
next task. Where a marker is set, whole solutions are sampled a step at a time, all of them side by
side, until a step contains it; then the solution is finished. (Searches that grow steps look for
their own `end_markers`.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from burnish.search.asks import Continuation, End, Prefix, ProposalRequest, Proposer, Step


@dataclass(slots=True)
class _Draft:
    """A solution on its way: what it goes on from, its seed and advice, and its steps so far."""

    prefix: Prefix
    seed: int
    advice: str
    steps: list[Step] = field(default_factory=list)

    def request(self) -> ProposalRequest:
        """For its next step; the first is drawn with the seed that was asked for."""
        key = f"{self.seed} step {len(self.steps)}".encode()
        later = int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1
        seed = later if self.steps else self.seed
        return ProposalRequest(self.prefix.followed_by(*self.steps), (seed,), 1, self.advice)


class MarkedEnds:
    """Lets another proposer sample whole solutions up to a marker.

    Args:
        proposer: samples steps.
        markers: texts, in any case, that finish a solution when a step contains one.
    """

    def __init__(self, proposer: Proposer, markers: Sequence[str]) -> None:
        self._proposer = proposer
        self._markers = [marker.lower() for marker in markers]

    def propose(self, requests: Sequence[ProposalRequest]) -> list[Sequence[Continuation]]:
        """Continuations for each request, one a seed, in order."""
        drafts = [
            [_Draft(request.prefix, seed, request.advice) for seed in request.seeds]
            for request in requests
            if request.max_steps is None
        ]
        going_on = [draft for group in drafts for draft in group]
        while going_on:
            answers = self._proposer.propose([draft.request() for draft in going_on])
            for draft, (steps,) in zip(going_on, answers, strict=True):
                draft.steps += map(self._ended, steps)
            going_on = [draft for draft in going_on if draft.steps[-1].end == End.OPEN]
        others = [request for request in requests if request.max_steps is not None]
        whole = iter(drafts)
        rest = iter(self._proposer.propose(others) if others else ())
        return [
            next(rest)
            if request.max_steps is not None
            else [tuple(draft.steps) for draft in next(whole)]
            for request in requests
        ]

    def _ended(self, step: Step) -> Step:
        text = step.text.lower()
        is_final = step.end == End.OPEN and any(marker in text for marker in self._markers)
        return replace(step, end=End.FINAL) if is_final else step
