"""What a search may spend, and what it has spent."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from burnish.config import Config
from burnish.search.asks import Criticised, Proposed, Reply, Valued


@dataclass(frozen=True, slots=True)
class Spent:
    """The bill of one tree.

    Attributes:
        proposal_tokens: sampled by the policy, rejected and merged proposals included.
        value_tokens: read by the value model.
        critic_tokens: sampled by the policy for its critiques.
        model_calls: continuations sampled, prefixes valued and prefixes criticised: each is one
            call in code that searches one tree at a time.
        seconds: time during which the tree was under way, others beside it.
    """

    proposal_tokens: int = 0
    value_tokens: int = 0
    critic_tokens: int = 0
    model_calls: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """All tokens: the value model's and the critic's are charged, too."""
        return self.proposal_tokens + self.value_tokens + self.critic_tokens

    def __add__(self, other: Spent) -> Spent:
        """The sum, item by item."""
        return Spent(
            self.proposal_tokens + other.proposal_tokens,
            self.value_tokens + other.value_tokens,
            self.critic_tokens + other.critic_tokens,
            self.model_calls + other.model_calls,
            self.seconds + other.seconds,
        )


class Budget(Config):
    """The most that one tree may spend.

    It is looked at before each round of a search (an iteration, a level, a handful of samples), and
    a round that has begun is finished: the bill may exceed the budget by less than one round.
    """

    tokens: int | None = Field(default=None, ge=0)
    """tokens sampled by the policy and read by the value model, together"""
    model_calls: int | None = Field(default=None, ge=0)
    """continuations sampled, prefixes valued and prefixes criticised, together"""
    nodes: int | None = Field(default=None, ge=1)
    """nodes of the tree, the root included"""
    seconds: float | None = Field(default=None, ge=0)
    """time under way; the only limit whose results depend on the machine and on the batch"""

    def is_spent(self, spent: Spent, num_nodes: int) -> bool:
        """Whether one of the limits is reached."""
        pairs = (
            (spent.tokens, self.tokens),
            (spent.model_calls, self.model_calls),
            (num_nodes, self.nodes),
            (spent.seconds, self.seconds),
        )
        return any(limit is not None and used >= limit for used, limit in pairs)


def cost_of(reply: Reply) -> Spent:
    """What a reply is charged with."""
    match reply:
        case Proposed(continuations):
            sampled = [c for answers in continuations for c in answers]
            tokens = sum(step.num_tokens for steps in sampled for step in steps)
            return Spent(proposal_tokens=tokens, model_calls=len(sampled))
        case Valued(valuations):
            tokens = sum(valuation.num_tokens for valuation in valuations)
            return Spent(value_tokens=tokens, model_calls=len(valuations))
        case Criticised(critiques):
            tokens = sum(critique.num_tokens for critique in critiques)
            return Spent(critic_tokens=tokens, model_calls=len(critiques))
