"""The four kinds of feedback as sets of rows, and what a task offers that has some.

A row that cannot be used is never dropped in silence: it stops the run, or, where the reader is
told to go on, it is counted under the kind of its fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from burnish.errors import DataError
from burnish.types import AttributeRating, Comment, Preference, Problem, Rating

FeedbackKind: TypeAlias = Literal["comparisons", "ratings", "attributes", "comments"]
Feedback: TypeAlias = Preference | Rating | AttributeRating | Comment
FeedbackSplit: TypeAlias = Literal["train", "dev", "test", "shifted"]
"""As for problems; `shifted` is out of distribution: other prompts, or answers of another kind."""

KIND_OF: Mapping[type[Feedback], FeedbackKind] = {
    Preference: "comparisons",
    Rating: "ratings",
    AttributeRating: "attributes",
    Comment: "comments",
}


class Fault(StrEnum):
    """Why a row cannot be learnt from, although it is written well."""

    IDENTICAL = "identical_answers"
    EMPTY = "empty_answer"
    PROMPTS_DIFFER = "prompts_differ"
    OUT_OF_SCALE = "out_of_scale"
    NO_LABEL = "no_label"


class FaultyRowError(DataError):
    """A row with a fault that a reader may be told to skip."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class FeedbackSet:
    """Rows of one kind.

    Attributes:
        rows: in the order of their source.
        skipped: rows that were left out, by fault.
    """

    rows: tuple[Feedback, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class FeedbackTask(Protocol):
    """A task that has feedback on answers to its problems."""

    def feedback(self, kind: FeedbackKind, split: FeedbackSplit) -> FeedbackSet:
        """All feedback of a kind; none where there is no such split. Raises DataError."""
        ...

    def num_grades(self) -> int:
        """Grades of a rating."""
        ...

    def gold(self, problem: Problem, text: str) -> Mapping[str, float] | None:
        """The true `reward` of an answer and its parts, where they are known."""
        ...


def true_reward(task: object, problem: Problem, text: str) -> Mapping[str, float] | None:
    """The true `reward` of an answer and its parts; None where the task does not know it."""
    return task.gold(problem, text) if isinstance(task, FeedbackTask) else None
