"""Where the steps of a written solution begin and end. Nothing is lost: the steps make the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import model_validator

from burnish.config import Config


class StepsConfig(Config):
    """What a step is."""

    by: Literal["newline", "sentence", "marker"] = "newline"
    """newline: a line (of a chain of thought, or of a program); sentence: up to a full stop, a
    question or an exclamation mark before white space, or up to the end of the line; marker: each
    step begins with `marker`."""
    marker: str = ""
    """by marker only: what each step begins with, such as "Step "."""

    @model_validator(mode="after")
    def _marker_where_it_is_used(self) -> Self:
        if (self.by == "marker") != bool(self.marker):
            raise ValueError(
                'steps by marker need marker: "...", and no others do '
                f"(found by: {self.by}, marker: {self.marker!r})"
            )
        return self

    def split(self, text: str) -> list[str]:
        """The steps of a text, none of them blank; a blank text has none."""
        return _without_blanks(re.split(self._boundary, text))

    @property
    def _boundary(self) -> str:
        match self.by:
            case "newline":
                return r"(?<=\n)(?!\n)"
            case "sentence":
                return r"(?<=[.!?])(?=\s)|(?=\n)"
            case "marker":
                return f"(?={re.escape(self.marker)})"


def _without_blanks(pieces: Sequence[str]) -> list[str]:
    """White space belongs to the step before it; at the very beginning, to the first step."""
    steps: list[str] = []
    opening = ""
    for piece in pieces:
        if piece.strip():
            steps.append(opening + piece)
            opening = ""
        elif steps:
            steps[-1] += piece
        else:
            opening += piece
    return steps
