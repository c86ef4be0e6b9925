"""The sentences of `arithmetic`: an equation told as a little story."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from burnish.data.tasks.arithmetic import Equation

_NAMES = ("Ada", "Ben", "Cleo", "Dev", "Emi", "Finn", "Gus", "Hana", "Ida", "Jon", "Kira", "Leo")
_THINGS = (
    "apples",
    "beads",
    "books",
    "buttons",
    "cards",
    "coins",
    "cups",
    "eggs",
    "keys",
    "nuts",
    "pens",
    "shells",
    "stamps",
    "stones",
)
_STARTS = (
    "{name} has {n} {things}.",
    "{name} starts with {n} {things}.",
    "There are {n} {things} in the box of {name}.",
    "{name} counts {n} {things} on the table.",
)
_EVENTS: Mapping[str, Sequence[str]] = {
    "+": (
        "{name} finds {n} more.",
        "A friend brings {n} more {things}.",
        "{name} buys {n} {things}.",
        "Then {n} {things} arrive by mail.",
        "{name} wins {n} in a game.",
    ),
    "-": (
        "{name} loses {n} of them.",
        "{name} gives {n} to a friend.",
        "Then {n} {things} break.",
        "{name} sells {n} {things}.",
        "A bird steals {n} of them.",
    ),
    "*": (
        "Then {name} swaps each one for {n} new ones.",
        "A magic trick makes {n} out of every one.",
        "By spring {name} has {n} times as many.",
    ),
    "/": (
        "{name} keeps only half of them.",
        "Half of the {things} get lost.",
        "{name} gives half of them to a neighbor.",
    ),
}
_QUESTIONS = (
    "How many {things} does {name} have now?",
    "How many {things} are left?",
    "How many {things} are there in the end?",
)


def tell(source: random.Random, equation: Equation) -> str:
    """The equation as a story, its sentences chosen by `source`."""
    name, things = source.choice(_NAMES), source.choice(_THINGS)
    sentences = [source.choice(_STARTS).format(name=name, things=things, n=equation.start)]
    sentences += [
        source.choice(_EVENTS[operator]).format(name=name, things=things, n=operand)
        for operator, operand in equation.operations
    ]
    sentences.append(source.choice(_QUESTIONS).format(name=name, things=things))
    return " ".join(sentences)
