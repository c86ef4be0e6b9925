"""A world without models, for tests and for measuring the search itself: reach a sum.

The question is a number; a step adds one of the world's `addends`; the solution is finished, and
right, when the sum is the number, and finished, and wrong, when it is passed. Proposer, value model
and critic are functions of what they are asked, as real ones must be.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from burnish.search.asks import (
    Continuation,
    Critique,
    End,
    Prefix,
    ProposalRequest,
    Step,
    Valuation,
)


@dataclass(slots=True)
class SumWorld:
    """Proposer, value model and critic of the puzzle.

    Attributes:
        addends: what a step may add; each with the same chance.
        is_silent: leaves the ends of solutions to the critic.
        num_asked: sizes of the batches so far: continuations, values, critiques.
    """

    addends: tuple[int, ...] = (1, 2, 3, 5)
    is_silent: bool = False
    num_asked: dict[str, list[int]] = field(
        default_factory=lambda: {"propose": [], "value": [], "criticise": []}
    )

    def propose(self, requests: Sequence[ProposalRequest]) -> list[list[Continuation]]:
        """Steps such as `+3 = 7`."""
        self.num_asked["propose"].append(sum(r.num_proposals for r in requests))
        return [[self._continuation(r, seed) for seed in r.seeds] for r in requests]

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """How near the sum is: 1 when reached, 0 when passed, else less than its share."""
        self.num_asked["value"].append(len(prefixes))
        return [Valuation(self.nearness(prefix), len(prefix.steps)) for prefix in prefixes]

    def criticise(self, prefixes: Sequence[Prefix]) -> list[Critique]:
        """Whether the sum is reached or passed; else how much is left."""
        self.num_asked["criticise"].append(len(prefixes))
        left = [int(prefix.question) - reached(prefix.text) for prefix in prefixes]
        return [Critique(n <= 0, "" if n <= 0 else f"{n} left", num_tokens=1) for n in left]

    def nearness(self, prefix: Prefix) -> float:
        """The value model: 0.9 (sum / number) below the number, 1 at it, 0 beyond."""
        goal, total = int(prefix.question), reached(prefix.text)
        return 1.0 if total == goal else 0.9 * total / goal if total < goal else 0.0

    def _continuation(self, request: ProposalRequest, seed: int) -> Continuation:
        chance = random.Random(seed)
        goal, total = int(request.prefix.question), reached(request.prefix.text)
        steps: list[Step] = []
        while request.max_steps is None or len(steps) < request.max_steps:
            addend = chance.choice(self.addends)
            total += addend
            end = End.FINAL if total >= goal and not self.is_silent else End.OPEN
            steps.append(Step(f"+{addend} = {total}\n", 3, (addend, total), end))
            if total >= goal:
                break
        return tuple(steps)


def reached(text: str) -> int:
    """The sum after the last step; 0 at the start."""
    totals = re.findall(r"= (\d+)", text)
    return int(totals[-1]) if totals else 0


@dataclass(frozen=True, slots=True)
class Book:
    """Proposer and value model that read from a book: for trees worked out by hand.

    Attributes:
        steps: the proposals for each prefix text, given in turn. One ending in "." is FINAL, one
            in "~" is CUT.
        values: the value of each prefix text; 0 where it is missing.
    """

    steps: Mapping[str, Sequence[str]]
    values: Mapping[str, float] = field(default_factory=dict)

    def propose(self, requests: Sequence[ProposalRequest]) -> list[list[Continuation]]:
        """The proposals of the page, from the first again for each request."""
        return [
            [self._continuation(request, i) for i in range(request.num_proposals)]
            for request in requests
        ]

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """What the book says, at one token each."""
        return [Valuation(self.values.get(prefix.text, 0.0), 1) for prefix in prefixes]

    def _continuation(self, request: ProposalRequest, place: int) -> Continuation:
        text = request.prefix.text
        steps: list[Step] = []
        while request.max_steps is None or len(steps) < request.max_steps:
            page = self.steps[text]
            chosen = page[place % len(page)]
            steps.append(Step(chosen, len(chosen), (), _ENDS.get(chosen[-1:], End.OPEN)))
            text += chosen
            if steps[-1].end != End.OPEN or not self.steps.get(text):
                break
        return tuple(steps)


_ENDS = {".": End.FINAL, "~": End.CUT}
