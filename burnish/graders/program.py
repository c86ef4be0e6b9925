"""Rationales that are programs (P-CoT): run the function, compare what it returns, outside.

ReFT (arXiv:2401.08967), section 4.1: the prompt ends with the header of `def solution():` and its
docstring, the completion goes on with the body, the value returned is the answer.

    1 if it is right, 0.1 if it is another number (or option), 0 if there is none

The gold answer never enters the process that runs the program. bool, inf, nan, complex, None and
strings that are no numbers are not answers (the released code takes `float(True)`, inf and nan for
numbers, and in multiple choice the word "none" for an answer). A completion cut off before
its `return` has no value and fails by itself.

Which lines run: those of the function, up to the first line that is neither blank nor indented and
not inside a triple-quoted string. (The released code stops at the first blank line, which loses
programs with a paragraph in them.) A completion may also hold the whole function; then what stands
before `def solution` is left out. `math` and `sympy` need no import.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from burnish.graders.answer import AnswerConfig, score_of
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader
from burnish.graders.multiple_choice import gold_letter
from burnish.graders.numbers import canonical, number_from_literal
from burnish.graders.numeric import gold_number
from burnish.sandbox.execution import ErrorKind, Execution, Limits
from burnish.sandbox.pool import execute_all
from burnish.sandbox.values import Real, Value
from burnish.types import Completion, GraderFailure, Problem, Score

HEADER = "def solution():"
_WHOLE_FUNCTION = re.compile(r"^def solution\s*\(", re.MULTILINE)
_TRIPLE_QUOTE = re.compile(r'"""|' + "'''")
_SYMPY = re.compile(r"\bsympy\b")

BatchExecute = Callable[[Sequence[str], Limits], list[Execution]]


class ProgramConfig(AnswerConfig):
    """Run the completion as the body of `solution()` and grade the number it returns."""

    type: Literal["program"] = "program"
    """the grader"""
    tolerance: float = Field(default=1e-2, ge=0)
    """largest absolute difference from the gold number that is right (ReFT: 0.01)"""
    limits: Limits = Limits()
    """what one program may use"""

    def build(self) -> Grader:
        """The grader, which never raises; it runs programs in the shared sandbox."""
        return Guarded(ProgramGrader(self, execute_all))


class ProgramChoiceConfig(AnswerConfig):
    """Run the completion as the body of `solution()` and grade the option letter it returns."""

    type: Literal["program_choice"] = "program_choice"
    """the grader"""
    options: str = Field(default="abcde", pattern="^[a-z]{2,26}$")
    """the letters that are options"""
    limits: Limits = Limits()
    """what one program may use"""

    def build(self) -> Grader:
        """The grader, which never raises; it runs programs in the shared sandbox."""
        return Guarded(ProgramChoiceGrader(self, execute_all))


class ProgramGrader:
    """Scores the number that `solution()` returns."""

    def __init__(self, config: ProgramConfig, execute: BatchExecute) -> None:
        """`execute` runs many programs and gives their values."""
        self._config = config
        self._execute = execute

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """Raises DataError where a gold answer is missing or no number, SandboxError."""
        golds = [gold_number(problem) for problem, _ in pairs]
        executions = _run([completion for _, completion in pairs], self._config, self._execute)
        return [self._score(*both) for both in zip(golds, executions, strict=True)]

    def _score(self, gold: float, execution: Execution | None) -> Score:
        number = None if execution is None else number_of(execution.value)
        answer = None if number is None else canonical(number)
        is_correct = number is not None and abs(number - gold) <= self._config.tolerance
        parts = _parts(execution)
        return score_of(answer, is_correct=is_correct, config=self._config, parts=parts)


class ProgramChoiceGrader:
    """Scores the option letter that `solution()` returns."""

    def __init__(self, config: ProgramChoiceConfig, execute: BatchExecute) -> None:
        """`execute` runs many programs and gives their values."""
        self._config = config
        self._execute = execute

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """Raises DataError where a gold answer is missing or no option, SandboxError."""
        golds = [gold_letter(problem, self._config.options) for problem, _ in pairs]
        executions = _run([completion for _, completion in pairs], self._config, self._execute)
        return [self._score(*both) for both in zip(golds, executions, strict=True)]

    def _score(self, gold: str, execution: Execution | None) -> Score:
        letter = None if execution is None else letter_of(execution.value, self._config.options)
        parts = _parts(execution)
        return score_of(letter, is_correct=letter == gold, config=self._config, parts=parts)


def program_of(completion_text: str) -> str:
    """The program to run: the function that the completion holds or continues, and its call."""
    is_continued = completion_text.lstrip("\n")[:1].isspace()
    whole = None if is_continued else _WHOLE_FUNCTION.search(completion_text)
    function = completion_text[whole.start() :] if whole else f"{HEADER}\n{completion_text}"
    header, *body = function.split("\n")
    names = "math, sympy" if _SYMPY.search(function) else "math"
    return "\n".join([f"import {names}", header, *_indented(body), "solution()"])


def number_of(value: Value) -> float | None:
    """The finite real number that a value is, or that a string spells; None for all else."""
    if isinstance(value, Real):
        is_truth = value.type_name.startswith("bool")  # numpy's
        return value.value if math.isfinite(value.value) and not is_truth else None
    if isinstance(value, str):
        return number_from_literal(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def letter_of(value: Value, options: str) -> str | None:
    """The option that a string names by its letter alone, in lower case; None for all else."""
    letter = value.strip().lower() if isinstance(value, str) else ""
    return letter if len(letter) == 1 and letter in options else None


def _run(
    completions: Sequence[Completion],
    config: ProgramConfig | ProgramChoiceConfig,
    execute: BatchExecute,
) -> list[Execution | None]:
    """One execution per completion; None where it is not to be run because it is unfinished."""
    skipped = [config.require_finished and c.is_truncated for c in completions]
    programs = [
        program_of(c.text) for c, skip in zip(completions, skipped, strict=True) if not skip
    ]
    executions = iter(execute(programs, config.limits))
    return [None if skip else next(executions) for skip in skipped]


def _indented(lines: Sequence[str]) -> list[str]:
    """The lines up to the first that is not blank, not indented and not in a long string."""
    kept: list[str] = []
    is_in_string = False
    for line in lines:
        if line.strip() and not line[0].isspace() and not is_in_string:
            break
        kept.append(line)
        if len(_TRIPLE_QUOTE.findall(line)) % 2:
            is_in_string = not is_in_string
    return kept


def _parts(execution: Execution | None) -> dict[str, float]:
    error = None if execution is None else execution.error
    ran = execution is not None and error is None
    return {"ran": float(ran), "timed_out": float(error is ErrorKind.TIMEOUT)}
