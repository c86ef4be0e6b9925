"""What a judge's model offers: how likely it goes on with each of some options, and its words.

A model is asked in text. It may be a policy in this process (`local_model.py`) or a server
(`endpoint.py`); neither needs to be told apart by those who ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from burnish.types import GraderFailure

NEITHER = "judge_says_no_option"
"""The kind of a question after which the options together are too unlikely."""


@dataclass(frozen=True, slots=True)
class JudgeTokens:
    """What judging cost: tokens that the judge has read and written."""

    prompt: int = 0
    generated: int = 0

    def __add__(self, other: JudgeTokens) -> JudgeTokens:
        return JudgeTokens(self.prompt + other.prompt, self.generated + other.generated)

    @property
    def total(self) -> int:
        """Of both kinds."""
        return self.prompt + self.generated


NO_TOKENS = JudgeTokens()


@dataclass(frozen=True, slots=True)
class Choice:
    """How likely the model goes on with each option.

    Attributes:
        probabilities: of each option itself; together at most 1.
        tokens: what it cost.
    """

    probabilities: tuple[float, ...]
    tokens: JudgeTokens

    @property
    def mass(self) -> float:
        """How likely it is that the model says one of the options at all."""
        return sum(self.probabilities)

    @property
    def shares(self) -> tuple[float, ...]:
        """The softmax over the options: P(option) / P(any option)."""
        return tuple(p / self.mass for p in self.probabilities)


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote, and what it cost."""

    text: str
    tokens: JudgeTokens


class OptionModel(Protocol):
    """A model that judges."""

    @property
    def name(self) -> str:
        """Who it is, as labels are to say."""
        ...

    def choose(
        self, prompts: Sequence[str], options: Sequence[str]
    ) -> Sequence[Choice | GraderFailure]:
        """How each prompt goes on, in order; a failure where the model refuses."""
        ...

    def write(
        self, prompts: Sequence[str], *, max_tokens: int, temperature: float, seeds: Sequence[int]
    ) -> Sequence[Written | GraderFailure]:
        """A paragraph after each prompt, in order, drawn with its own seed; greedy at 0."""
        ...


def no_option(choice: Choice, *, min_mass: float) -> GraderFailure | None:
    """The failure of a judge that says none of the options; None for one that says one."""
    if choice.mass >= min_mass and choice.mass > 0.0:
        return None
    return GraderFailure(
        NEITHER,
        f"the options together have a probability of {choice.mass:.2g}, less than `min_mass` "
        f"({min_mass:g}): the judge would say something else",
    )
