"""What judges are asked about answers, and what they say, with all that led to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from burnish.training.judging.options import NO_TOKENS, JudgeTokens
from burnish.types import Problem

EVEN = 0.5


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two answers to one problem."""

    problem: Problem
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a judge said when a pair was shown once, in one order.

    Attributes:
        principle: what the answers were compared by.
        is_swapped: whether the second answer was shown first.
        probability: that the first answer of the pair (not the one shown first) is better; None
            where the judge did not say.
        mass: how likely it was that the judge says one of the options at all.
        prompt: what it was asked, its own reasons included.
        failure: why there is no probability, as a kind of failure.
    """

    principle: str
    is_swapped: bool
    probability: float | None
    mass: float = 1.0
    prompt: str = ""
    failure: str | None = None

    @property
    def shown_first(self) -> float | None:
        """How likely the judge takes the answer that was shown first."""
        if self.probability is None or not self.is_swapped:
            return self.probability
        return 1.0 - self.probability


@dataclass(frozen=True, slots=True)
class PairLabel:
    """A soft label of a pair, and where it comes from.

    Attributes:
        judge: who says so.
        probability: that the first answer is better; None where there is no label.
        readings: what it is the mean of, principle by principle, both orders of each.
        tokens: what it cost.
        failure: why there is no label, as a kind of failure.
    """

    judge: str
    probability: float | None
    readings: tuple[Reading, ...] = ()
    tokens: JudgeTokens = NO_TOKENS
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """What a judge says of one answer alone.

    Attributes:
        score: from -1, worthless, to 1, perfect; None where the judge did not say.
        tokens: what it cost.
        failure: why there is no score, as a kind of failure.
    """

    score: float | None
    tokens: JudgeTokens = NO_TOKENS
    failure: str | None = None


class PairJudge(Protocol):
    """Says which of two answers is better."""

    def label(self, pairs: Sequence[AnswerPair], *, seed: int) -> list[PairLabel]:
        """One label a pair, in order."""
        ...


class AnswerJudge(Protocol):
    """Says how good an answer is."""

    def score(self, answers: Sequence[tuple[Problem, str]], *, seed: int) -> list[AnswerScore]:
        """One score an answer, in order."""
        ...
