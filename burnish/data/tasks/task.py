"""What a task offers: problems with gold answers, and the one template that everything uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

from burnish.types import Problem

Split: TypeAlias = Literal["train", "dev", "test"]
AnswerKind: TypeAlias = Literal[
    "numeric",
    "multiple_choice",
    "program",
    "program_choice",
    "code_tests",
    "math",
    "quantity",
    "open",
]


class Task(Protocol):
    """A source of problems and the texts made of them.

    Training, sampling and evaluation all use `prompt` and `target`, so there is one template.
    """

    @property
    def answer_kind(self) -> AnswerKind:
        """How an answer is to be read off a completion; picks the default grader."""
        ...

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split, always in the same order. Raises DataError."""
        ...

    def prompt(self, problem: Problem) -> str:
        """The text before the completion."""
        ...

    def opening(self, problem: Problem) -> str:
        """The end of the prompt that begins the completion's text: a program's header, or nothing.

        A second attempt in plain text begins with it, too.
        """
        ...

    def target(self, problem: Problem) -> str:
        """The annotated completion (without EOS). Raises DataError where there is no rationale."""
        ...

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """Facts about a completion that are worth a curve, by name; empty for most tasks."""
        ...
