"""What every grader offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from burnish.types import Completion, GraderFailure, Problem, Score


class Grader(Protocol):
    """Turns completions into scores."""

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """One verdict per pair, in order. A wrong answer is a Score; a failure to judge is not."""
        ...
