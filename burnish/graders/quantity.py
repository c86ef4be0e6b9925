"""Answers that are a number with a unit, right within a tolerance: SciBench (arXiv:2307.10635).

    benchmark       |x - g| <= 0.05 max(|x|, |g|)                    its code since 2024
    first_release   |x - g| <= 0.1 where |g| >= 1,
                    |x - g| <= 0.1 max(|x|, |g|) where |g| < 1       its code of 2023, and that of
                                                                     ReST-MCTS* (arXiv:2406.03816)
    strict          |x - g| <= `strict_tolerance` |g|                1 %: rounding, no more

One rule decides; all three are parts of every score. The rules do not nest: within 0.1 of 2500 is
stricter than 1 %. A gold answer of zero is met by zero alone, but for `first_release`'s |x| <= 0.1
max(|x|, 0), which is zero, too.

The benchmark's code takes the number from the last box and never reads the unit; here the answer
is the one number of the line after the trigger (without a trigger, of the last \\boxed{}), "= 3 kJ"
of an equation, and what follows it may be a unit only: a second number makes it no answer. The
unit is what the question asks for; it is not converted, and not compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from burnish.graders.answer import TRIGGER, AnswerConfig, score_of, text_after_trigger
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader
from burnish.graders.math_answer import boxed
from burnish.graders.numbers import canonical, number_in
from burnish.graders.numeric import gold_number
from burnish.types import Completion, GraderFailure, Problem, Score

Rule: TypeAlias = Literal["benchmark", "first_release", "strict"]

_MAX_CHARS = 300
_BENCHMARK = 0.05
_FIRST_RELEASE = 0.1
_ROUNDING = 1e-9
"""What writing a number in decimal may move it by, as a share."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
_EQUALS = re.compile(r"=|≈|≃|\\(?:approx|simeq|sim)\b")
_BRACED_EXPONENT = re.compile(
    r"(?:\^|\*\*)\s*(?:\{\s*([-+]?\d+)\s*\}|\(\s*([-+]?\d+)\s*\)|([-+]?\d+))"
)
_TIMES = r"(?:\\times|\\cdot|×|·|\*|x)"  # noqa: RUF001
_MANTISSA = (
    r"[-+]?\s*(?:\\?[$€£])?\s*(?:\\[dt]?frac\s*\{[^{}]*\}\s*\{[^{}]*\}"
    r"|(?:\d(?:\d|,(?=\d)|\{,\}(?=\d))*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\s*/\s*\d+(?:\.\d+)?)?)"
)
_NUMBER = re.compile(
    r"(?=\S)(?:(?P<sign>[-+]?)\s*(?<![\d.])10\^(?P<power>[-+]?\d+)"
    rf"|(?P<mantissa>{_MANTISSA})(?:\s*{_TIMES}\s*10\^(?P<exponent>[-+]?\d+))?)"
)
_FORMULA = re.compile(r"\\(?:pi|sqrt|sin|cos|tan|ln|log|exp|int|sum)\b|[π√]")
_UNITS_DIGITS = re.compile(r"(?:(?<=[A-Za-z}\u00b5\u03a9\u00b0])|\^)[-+]?\d+")


class QuantityConfig(AnswerConfig):
    """Grade the number, with or without its unit, after the trigger or in \\boxed{}."""

    type: Literal["quantity"] = "quantity"
    """the grader"""
    partial_reward: float = Field(default=0.0, ge=0, le=1)
    """reward of a number that is wrong"""
    trigger: str = Field(default=TRIGGER, min_length=1)
    """the text after whose last occurrence the answer stands; in a text without it, \\boxed{}"""
    rule: Rule = "benchmark"
    """which rule decides: benchmark (within 5 %), first_release (within 0.1, below 1 within 10 %),
    strict (within `strict_tolerance`); the others are reported beside it"""
    strict_tolerance: float = Field(default=0.01, ge=0, le=0.05)
    """largest difference from the gold number, as a share of it, that is right by `strict`"""

    def build(self) -> Grader:
        """The grader, which never raises."""
        return Guarded(QuantityGrader(self))


class QuantityGrader:
    """Scores the one number of the answer by each of the rules."""

    def __init__(self, config: QuantityConfig) -> None:
        """Everything it needs is in `config`."""
        self._config = config

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """Raises DataError where a gold answer is missing or no number."""
        return [self._score(problem, completion) for problem, completion in pairs]

    def _score(self, problem: Problem, completion: Completion) -> Score:
        gold = gold_number(problem)
        number = self._extract(completion)
        verdicts = verdicts_on(number, gold, strict_tolerance=self._config.strict_tolerance)
        return score_of(
            None if number is None else canonical(number),
            is_correct=verdicts[self._config.rule],
            config=self._config,
            parts={f"right_by_{rule}": float(found) for rule, found in verdicts.items()},
        )

    def _extract(self, completion: Completion) -> float | None:
        if self._config.require_finished and completion.is_truncated:
            return None
        answer = _answer_text(completion, self._config.trigger)
        return None if answer is None else quantity_in(answer)


def verdicts_on(
    number: float | None, gold: float, *, strict_tolerance: float
) -> Mapping[Rule, bool]:
    """Whether a number is right, by each rule; no number is right by none."""
    if number is None:
        return {"benchmark": False, "first_release": False, "strict": False}
    gap, larger = abs(number - gold), max(abs(number), abs(gold))
    first = _FIRST_RELEASE if abs(gold) >= 1 else _FIRST_RELEASE * larger
    slack = _ROUNDING * abs(gold)
    return {
        "benchmark": gap <= _BENCHMARK * larger + slack,
        "first_release": gap <= first + slack,
        "strict": gap <= strict_tolerance * abs(gold) + slack,
    }


def quantity_in(text: str) -> float | None:
    """The number of an answer such as "50.7 atm", "$1.6 \\\\times 10^{-19}$ C", "v = 3 m s^-1".

    None where there is no number, where it is to be computed still ("2\\pi", "\\sqrt{3}"), or where
    another one stands beside it that is no exponent of a unit.
    """
    if len(text) > _MAX_CHARS:
        return None
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = _BRACED_EXPONENT.sub(_plain_exponent, text.translate(_MINUS))
    text = _EQUALS.split(text)[-1]
    found = _NUMBER.search(text)
    if found is None or _FORMULA.search(text) or not _may_begin_after(text[: found.start()]):
        return None
    rest = _UNITS_DIGITS.sub("", text[found.end() :])
    return None if any(letter.isnumeric() for letter in rest) else _value(found)


def _answer_text(completion: Completion, trigger: str) -> str | None:
    if trigger.rstrip() not in completion.text:
        return next(reversed(boxed(completion.text)), None)
    line = text_after_trigger(completion, trigger)
    boxes = [] if line is None else boxed(line)
    return boxes[0] if len(boxes) == 1 else line


def _may_begin_after(before: str) -> bool:
    """Whether a number that stands after this text is all of the answer's number."""
    is_part = before[-1:].isalpha() or before[-1:] in {"^", "_"}
    return not is_part and not any(letter.isnumeric() for letter in before)


def _plain_exponent(found: re.Match[str]) -> str:
    return "^" + "".join(group or "" for group in found.groups())


def _value(found: re.Match[str]) -> float | None:
    if found["power"]:
        return number_in(f"{found['sign']}1e{found['power']}")
    mantissa = number_in(found["mantissa"])
    scale = number_in(f"1e{found['exponent']}") if found["exponent"] else 1.0
    if mantissa is None or scale is None or not math.isfinite(mantissa * scale):
        return None
    return mantissa * scale
