"""The wall around a grader: whatever it raises becomes a counted failure, never a reward."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.errors import DataError, GraderError, SandboxError
from burnish.graders.grader import Grader
from burnish.types import Completion, GraderFailure, Problem, Score

_KINDS: dict[type[Exception], str] = {
    DataError: "gold_answer",
    SandboxError: "sandbox",
    GraderError: "grader",
}


class Guarded:
    """A grader that cannot raise.

    Pairs are graded together; if that raises, each is graded alone, so that only those at fault
    fail. (Without a sandbox all fail at once.) A failure's kind is gold_answer, sandbox, grader or
    exception.
    """

    def __init__(self, grader: Grader) -> None:
        """`grader`: what may raise."""
        self._grader = grader

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """One verdict per pair, in order."""
        try:
            return self._one_each(pairs)
        except Exception as error:
            if len(pairs) == 1 or isinstance(error, SandboxError):
                return [_failure(error) for _ in pairs]
            return [verdict for pair in pairs for verdict in self.grade([pair])]

    def _one_each(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        verdicts = self._grader.grade(pairs)
        if len(verdicts) != len(pairs):
            raise GraderError(f"the grader gave {len(verdicts)} verdicts for {len(pairs)} pairs")
        return verdicts


def _failure(error: Exception) -> GraderFailure:
    kind = next((k for kind, k in _KINDS.items() if isinstance(error, kind)), "exception")
    return GraderFailure(kind, f"{type(error).__name__}: {error}")
