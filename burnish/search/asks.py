"""What a search asks and what it is answered: the whole contract between search and models.

A search never calls a model. It yields an `Ask` (propose, value or criticise these prefixes) and is
sent the `Reply`, so that a scheduler can put the asks of many trees into one batch.

    Ask        answered by   one entry per request
    Propose    Proposed      a `Continuation` for each seed of the request
    Value      Valued        a `Valuation`
    Criticise  Criticised    a `Critique`
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeAlias, TypeVar

from burnish.errors import EngineError


class End(IntEnum):
    """Whether a partial solution may be continued, and if not, why not."""

    OPEN = 0
    """a further step may follow"""
    FINAL = 1
    """finished: the policy ended it, or a marker, the critic or the gate did"""
    CUT = 2
    """the last step reached the token limit without an end: marked, worth the least, never grown"""
    DEEP = 3
    """it has as many steps as the search allows"""
    STUCK = 4
    """no acceptable next step was proposed"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a solution, as sampled.

    Attributes:
        text: the step with the white space around it: texts of a path join to the solution.
        num_tokens: tokens sampled for it, which the budget is charged with.
        token_ids: carried for the engine and never read by a search: what was sampled is what a
            longer prefix continues. Empty where the proposer has no tokens.
        end: OPEN, FINAL (the policy ended its answer) or CUT (the token limit did).
    """

    text: str
    num_tokens: int
    token_ids: tuple[int, ...] = ()
    end: End = End.OPEN


Continuation: TypeAlias = tuple[Step, ...]
"""Steps that follow a prefix, at least one, none after a FINAL or CUT one."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A question with the first steps of a solution.

    The steps of a node are those of its parent and one more, and a rollout goes on from its node,
    so an engine that caches by token prefix computes each step once.

    Attributes:
        tree_id: which tree asks (one per question; the proposer may keep prompts by it).
        question: the text of the question.
        node: the deepest node of the tree on this path; a rollout's steps below it are no nodes.
        steps: from the first to the last.
    """

    tree_id: str
    question: str
    node: int
    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """The partial solution, without the question."""
        return "".join(step.text for step in self.steps)

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The tokens of all steps, to follow those of the prompt."""
        return tuple(token for step in self.steps for token in step.token_ids)

    def followed_by(self, *steps: Step) -> Prefix:
        """The prefix with more steps."""
        return Prefix(self.tree_id, self.question, self.node, (*self.steps, *steps))


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """Continue this prefix, once for each seed.

    A continuation is a function of the prefix, `max_steps`, `advice` and its own seed: nothing else
    in the batch may change it. The seed is derived from the tree and the place in its search.

    Attributes:
        prefix: what to continue.
        seeds: one a continuation, 63 bits.
        max_steps: most steps of a continuation; None asks for all that are left of the solution.
        advice: what the critic said about the prefix; empty where it said nothing.
    """

    prefix: Prefix
    seeds: tuple[int, ...]
    max_steps: int | None = 1
    advice: str = ""

    @property
    def num_proposals(self) -> int:
        """How many continuations are asked for."""
        return len(self.seeds)


@dataclass(frozen=True, slots=True)
class Valuation:
    """The value model's number for a prefix, and the tokens it read for it (for the budget)."""

    value: float
    num_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Critique:
    """Whether the policy itself thinks a partial solution finished; else advice on how to go on."""

    is_finished: bool
    advice: str = ""
    num_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Propose:
    """Ask for continuations."""

    requests: tuple[ProposalRequest, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """Ask for values."""

    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class Criticise:
    """Ask whether partial solutions are finished."""

    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """Continuations by request and seed."""

    continuations: tuple[tuple[Continuation, ...], ...]


@dataclass(frozen=True, slots=True)
class Valued:
    """Values by prefix."""

    valuations: tuple[Valuation, ...]


@dataclass(frozen=True, slots=True)
class Criticised:
    """Critiques by prefix."""

    critiques: tuple[Critique, ...]


Ask: TypeAlias = Propose | Value | Criticise
Reply: TypeAlias = Proposed | Valued | Criticised
Returned = TypeVar("Returned")
Asking: TypeAlias = Generator[Ask, Reply, Returned]
"""Code that asks on its way to a result: `result = yield from asking`."""


class Proposer(Protocol):
    """The policy, as a search sees it."""

    def propose(self, requests: Sequence[ProposalRequest]) -> Sequence[Sequence[Continuation]]:
        """Continuations for each request, one a seed, in order."""
        ...


class Valuer(Protocol):
    """The value model, as a search sees it."""

    def value(self, prefixes: Sequence[Prefix]) -> Sequence[Valuation]:
        """The value of each prefix (which has at least one step), in order."""
        ...


class Critic(Protocol):
    """The policy as the judge of its own partial solutions."""

    def criticise(self, prefixes: Sequence[Prefix]) -> Sequence[Critique]:
        """A critique of each prefix, in order."""
        ...


def require_fit(ask: Ask, reply: Reply) -> None:
    """Raise EngineError unless `reply` answers `ask`: its kind, its counts, numbers, steps."""
    match ask, reply:
        case Propose(requests), Proposed(continuations):
            require_count("the proposer", len(continuations), len(requests))
            for request, answers in zip(requests, continuations, strict=True):
                require_count("the proposer", len(answers), request.num_proposals)
                for continuation in answers:
                    _require_steps(request, continuation)
        case Value(prefixes), Valued(valuations):
            require_count("the value model", len(valuations), len(prefixes))
            for prefix, valuation in zip(prefixes, valuations, strict=True):
                _require_number(prefix, valuation.value)
        case Criticise(prefixes), Criticised(critiques):
            require_count("the critic", len(critiques), len(prefixes))
        case _:
            raise EngineError(f"{type(reply).__name__} does not answer {type(ask).__name__}.")


def require_count(who: str, found: int, expected: int) -> None:
    """Raise EngineError unless each request has its answer."""
    if found != expected:
        raise EngineError(f"{who} gave {found} answers to {expected} requests; one each is needed.")


def _require_steps(request: ProposalRequest, continuation: Continuation) -> None:
    limit = math.inf if request.max_steps is None else request.max_steps
    if not 1 <= len(continuation) <= limit:
        raise EngineError(
            f"{_place(request.prefix)}: the proposer gave a continuation of {len(continuation)} "
            f"steps; between 1 and {limit} were asked for."
        )
    *before, last = continuation
    if any(step.end != End.OPEN for step in before):
        raise EngineError(f"{_place(request.prefix)}: the proposer gave steps after an ended one.")
    if request.max_steps is None and last.end == End.OPEN:
        raise EngineError(
            f"{_place(request.prefix)}: the proposer was asked for a whole solution and gave one "
            "that neither ended (FINAL) nor met the token limit (CUT)."
        )


def _require_number(prefix: Prefix, value: float) -> None:
    if not math.isfinite(value):
        raise EngineError(
            f"{_place(prefix)}: the value model answered {value}. A search needs finite values; "
            "look for a non-finite loss in its training."
        )


def _place(prefix: Prefix) -> str:
    return f"tree {prefix.tree_id!r}, node {prefix.node}, step {len(prefix.steps)}"
