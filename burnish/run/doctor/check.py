"""The result of one check: what was found, what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TypeAlias

from burnish.errors import BurnishError
from burnish.types import Json


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: what is true where it passes.
        verdict: whether it is, or why nobody looked.
        meaning: what was found and what follows from it; of a skipped one, why.
        advice: what to do; empty where nothing is to be done.
        numbers: what was measured, by name.
        stops_training: whether a run with this fault would learn something else than it says.
    """

    name: str
    verdict: Verdict
    meaning: str
    advice: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    stops_training: bool = False

    def as_json(self) -> dict[str, Json]:
        """For a file."""
        return {**asdict(self), "verdict": self.verdict.value, "numbers": {**self.numbers}}


CheckFamily: TypeAlias = Callable[[], Sequence[Check]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of a check that fails.

    Attributes:
        meaning: what was found and what follows from it.
        advice: what to do.
    """

    meaning: str
    advice: str


def judged(
    name: str,
    fault: Finding | None,
    *,
    seen: str,
    numbers: Mapping[str, float] | None = None,
    stops_training: bool = False,
) -> Check:
    """Failed where there is a fault; else passed, with what was `seen`."""
    if fault is None:
        return Check(name, Verdict.PASSED, seen, "", numbers or {}, stops_training)
    return Check(name, Verdict.FAILED, fault.meaning, fault.advice, numbers or {}, stops_training)


def skipped(name: str, why: str) -> Check:
    """Nobody looked."""
    return Check(name, Verdict.SKIPPED, why)


def all_of(name: str, family: CheckFamily) -> list[Check]:
    """The checks of a family; an error that a user can mend is a failed check called `name`."""
    try:
        return list(family())
    except BurnishError as error:
        return [Check(name, Verdict.FAILED, str(error), "Mend that first.", stops_training=True)]


def failed(checks: Sequence[Check]) -> list[Check]:
    """Those that found a fault."""
    return [check for check in checks if check.verdict is Verdict.FAILED]
