"""`arithmetic`: grade-school word problems by a program, with annotations as uneven as wished.

A problem is a start amount and one to four events (+, -, *, halves). Its annotation either *spells*
every step ("12 + 7 = 19. 19 * 2 = 38.") or *leaps* to the answer in one long equation
("(12 + 7) * 2 = 38."), as human annotators do where they feel like it; `spelled_share` says how
often which. Splits are disjoint by construction, whatever the seed: the hash of a story's equation
decides its split.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.rationales import opening_of, prompt_of
from burnish.data.tasks.arithmetic_stories import tell
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

Operator = Literal["+", "-", "*", "/"]
_NUM_BUCKETS = 10
_BUCKETS: Mapping[Split, frozenset[int]] = {
    "train": frozenset(range(2, _NUM_BUCKETS)),
    "dev": frozenset({0}),
    "test": frozenset({1}),
}


@dataclass(frozen=True, slots=True)
class Equation:
    """A start amount and the operations that follow, applied from left to right."""

    start: int
    operations: tuple[tuple[Operator, int], ...]

    def amounts(self) -> list[int]:
        """The amount after each operation; one value for each."""
        amounts = []
        amount = self.start
        for operator, operand in self.operations:
            amount = _apply(amount, operator, operand)
            amounts.append(amount)
        return amounts

    def text(self) -> str:
        """One expression, with brackets where precedence needs them: `(12 + 7) * 2`."""
        text, is_sum = str(self.start), False
        for operator, operand in self.operations:
            if operator in "*/" and is_sum:
                text = f"({text})"
            text = f"{text} {operator} {operand}"
            is_sum = operator in "+-"
        return text

    def split(self) -> Split:
        """The one split this equation may appear in."""
        bucket = hashlib.sha256(self.text().encode()).digest()[0] % _NUM_BUCKETS
        return next(split for split, buckets in _BUCKETS.items() if bucket in buckets)


class ArithmeticTask(Config):
    """Procedural word problems. No file is read."""

    type: Literal["arithmetic"] = "arithmetic"
    style: Literal["ncot", "pcot"] = "ncot"
    """ncot: natural-language chain of thought; pcot: a Python program."""
    min_steps: int = Field(default=2, ge=1, le=4)
    """Fewest operations in a problem."""
    max_steps: int = Field(default=4, ge=1, le=4)
    """Most operations in a problem."""
    largest: int = Field(default=99, ge=20, le=999)
    """No amount in a problem exceeds it."""
    spelled_share: float = Field(default=0.5, ge=0, le=1)
    """Share of training annotations that spell every step; the others leap. 1 is uniform."""
    drill_share: float = Field(default=0.0, ge=0, le=1)
    """How often a row is drawn as a bare equation ("7 + 5 = ?") instead of a story; repeats are
    dropped, and few equations exist, so large splits have fewer."""
    drill_steps: int = Field(default=1, ge=1, le=4)
    """Most operations in a drill; drills are always spelled. Any equation of one operation may be
    drilled, also that of a dev or test story; longer ones only if they are of the train split."""
    train_size: int = Field(default=300, ge=1)
    """Number of training problems."""
    dev_size: int = Field(default=200, ge=1)
    """Number of dev problems."""
    test_size: int = Field(default=500, ge=1)
    """Number of test problems."""
    seed: int = 0
    """Which problems; independent of the seed of the run."""

    @model_validator(mode="after")
    def _steps_are_a_range(self) -> Self:
        if self.min_steps > self.max_steps:
            raise ValueError(
                f"min_steps: {self.min_steps} is more than max_steps, {self.max_steps}, so no "
                "problem fits; raise max_steps or lower min_steps"
            )
        return self

    @property
    def answer_kind(self) -> AnswerKind:
        return "numeric" if self.style == "ncot" else "program"

    def problems(self, split: Split) -> list[Problem]:
        """All problems of a split; no two of them share a story. Raises DataError if few exist."""
        sizes = {"train": self.train_size, "dev": self.dev_size, "test": self.test_size}
        source = random.Random(f"arithmetic/{self.seed}/{split}")
        found: dict[str, Problem] = {}
        for _ in range(100 * sizes[split]):
            problem = self._problem(source, split, number=len(found))
            found.setdefault(problem.question, problem)
            if len(found) == sizes[split]:
                return list(found.values())
        raise DataError(
            f"arithmetic: there are about {len(found)} different {split} problems of this kind, "
            f"fewer than the {sizes[split]} asked for. Lower `task.{split}_size`, or allow larger "
            "amounts (`task.largest`) or more steps."
        )

    def prompt(self, problem: Problem) -> str:
        """The question; in pcot also the header of the program to be completed."""
        return prompt_of(problem.question, self.style)

    def opening(self, problem: Problem) -> str:
        """What stands after the question; in pcot with the header of the program."""
        return opening_of(problem.question, self.style)

    def target(self, problem: Problem) -> str:
        """The annotation and, in ncot, the sentence that names the answer."""
        if self.style == "pcot":
            return f"{problem.rationale}"
        return f"{problem.rationale}\nTherefore, the answer is: {problem.answer}"

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """`spelled_out`: 1 where the completion has a step of its own for every operation."""
        steps = text.count(" = ") if self.style == "ncot" else text.count(" = ") - 1
        return {"spelled_out": float(steps >= int(str(problem.fields["num_steps"])))}

    def _problem(self, source: random.Random, split: Split, *, number: int) -> Problem:
        is_drill = split == "train" and source.random() < self.drill_share
        fewest, most = (1, self.drill_steps) if is_drill else (self.min_steps, self.max_steps)
        num_steps = source.randint(fewest, most)
        equation = _draw(source, num_steps, self.largest)
        is_fact = is_drill and num_steps == 1  # "7 + 5 = ?" may be learnt whatever is tested
        while not is_fact and equation.split() != split:
            equation = _draw(source, num_steps, self.largest)
        spell = is_drill or source.random() < self.spelled_share
        write = _program if self.style == "pcot" else _steps
        return Problem(
            id=f"arithmetic-{self.seed}-{split}-{number}",
            question=f"{equation.text()} = ?" if is_drill else tell(source, equation),
            answer=str(equation.amounts()[-1]),
            rationale=write(equation, spell=spell),
            fields={"num_steps": num_steps, "spelled": spell, "equation": equation.text()},
        )


def _apply(amount: int, operator: Operator, operand: int) -> int:
    match operator:
        case "+":
            return amount + operand
        case "-":
            return amount - operand
        case "*":
            return amount * operand
        case "/":
            return amount // operand


def _draw(source: random.Random, num_steps: int, largest: int) -> Equation:
    """A random equation whose amounts all stay between 1 and `largest`."""
    start = amount = source.randint(2, min(50, largest - 1))
    operations: list[tuple[Operator, int]] = []
    while len(operations) < num_steps:
        operator, operand = source.choice(list(_candidates(source, amount, largest)))
        operations.append((operator, operand))
        amount = _apply(amount, operator, operand)
    return Equation(start, tuple(operations))


def _candidates(source: random.Random, amount: int, largest: int) -> Iterator[tuple[Operator, int]]:
    """One possible operation of each kind that fits."""
    if amount < largest:
        yield "+", source.randint(1, min(50, largest - amount))
    if amount > 1:
        yield "-", source.randint(1, min(50, amount - 1))
    if 2 * amount <= largest:
        yield "*", source.randint(2, min(5, largest // amount))
    if amount % 2 == 0:
        yield "/", 2


def _steps(equation: Equation, *, spell: bool) -> str:
    amounts = equation.amounts()
    if not spell:
        return f"{equation.text()} = {amounts[-1]}."
    before = [equation.start, *amounts]
    return " ".join(
        f"{amount} {operator} {operand} = {after}."
        for amount, (operator, operand), after in zip(
            before, equation.operations, amounts, strict=False
        )
    )


def _program(equation: Equation, *, spell: bool) -> str:
    if not spell:
        return f"    result = {_integer(equation.text())}\n    return result"
    lines = [f"    amount = {equation.start}"]
    lines += [f"    amount = amount {_integer(o)} {operand}" for o, operand in equation.operations]
    lines += ["    result = amount", "    return result"]
    return "\n".join(lines)


def _integer(expression: str) -> str:
    """Python's operator for halves that come out even."""
    return expression.replace("/", "//")
