"""Where one step of a solution ends and the next begins: a parameter of the task, on pure text.

Splitting loses nothing: the steps join to the text. `first_end` is for sampling a step at a time:
it says where the first step of a growing text ends as soon as no further text can change that.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Protocol, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.search.statements import end_of_statement

_SENTENCE_END = re.compile(r"""[.!?]["')\]]*\s|\n""")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[A-Z]|Mrs?|Ms|Dr|St|No|vs|e\.g|i\.e|etc|approx)\. $")
_LIST_NUMBER = re.compile(r"\s*\d+\. ")


class StepFormat(Protocol):
    """A way to cut a solution into steps."""

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings without which no step ends: where sampling may pause to look at `first_end`."""
        ...

    def first_end(self, text: str) -> int | None:
        """Where the first step of `text` ends; None while more text may still belong to it."""
        ...


class NewlineSteps(Config):
    """A step is a line; empty lines belong to the one after them."""

    type: Literal["newline"] = "newline"
    """how solutions are cut into steps"""

    @property
    def stop(self) -> tuple[str, ...]:
        """The newline."""
        return ("\n",)

    def first_end(self, text: str) -> int | None:
        """Behind the newline of the first line that is not empty."""
        line = re.match(r"\s*[^\n]*\n", text)
        return line.end() if line and line.group().strip() else None


class SentenceSteps(Config):
    """A step is a sentence or a line, whichever ends first."""

    type: Literal["sentence"] = "sentence"
    """how solutions are cut into steps"""

    @property
    def stop(self) -> tuple[str, ...]:
        """What ends sentences, with the white space that shows it (so not the point of 3.5)."""
        marks = (".", "!", "?")
        return (*(mark + space for mark in marks for space in " \n"), "\n")

    def first_end(self, text: str) -> int | None:
        """Behind the white space after the first full stop that is none of an abbreviation."""
        for found in _SENTENCE_END.finditer(text):
            head = text[: found.end()]
            if head.strip() and not _is_inside_sentence(head):
                return found.end()
        return None


class MarkerSteps(Config):
    """A step is what a marker ends or begins."""

    type: Literal["marker"] = "marker"
    """how solutions are cut into steps"""
    marker: str = Field(min_length=1)
    """the text between steps, such as `\\n\\n` or `Step `"""
    stands: Literal["at_end", "at_start"] = "at_end"
    """whether it is the end of a step or the beginning of one"""

    @property
    def stop(self) -> tuple[str, ...]:
        """The marker."""
        return (self.marker,)

    def first_end(self, text: str) -> int | None:
        """Behind the first marker that ends a step, or before the second that begins one."""
        ahead = len(text) - len(text.lstrip())
        found = text.find(self.marker, ahead + 1)
        if found < 0:
            return None
        return found + len(self.marker) if self.stands == "at_end" else found


class StatementSteps(Config):
    """A step is a statement of a program's function (P-CoT): a line, or a whole block."""

    type: Literal["statement"] = "statement"
    """how solutions are cut into steps"""

    @property
    def stop(self) -> tuple[str, ...]:
        """The newline; a block goes on behind it."""
        return ("\n",)

    def first_end(self, text: str) -> int | None:
        """Before the line that begins the next statement of the same function."""
        return end_of_statement(text)


AnySteps: TypeAlias = Annotated[
    NewlineSteps | SentenceSteps | MarkerSteps | StatementSteps, Field(discriminator="type")
]


def split_steps(text: str, steps: StepFormat) -> tuple[str, ...]:
    """The steps of a whole text, in order; they join to it. White space alone is no step."""
    found: list[str] = []
    while (end := steps.first_end(text)) is not None:
        found.append(text[:end])
        text = text[end:]
    if text.strip() or (text and not found):
        return (*found, text)
    return (*found[:-1], found[-1] + text) if found else ()


def _is_inside_sentence(head: str) -> bool:
    """Whether the stop that ends `head` is that of a list's number or of an abbreviation."""
    return bool(_LIST_NUMBER.fullmatch(head)) or bool(_ABBREVIATION.search(head))
