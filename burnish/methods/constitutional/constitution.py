"""A constitution: a YAML file of principles, each with what is asked about it.

    principles:
      - id: honest
        critique_request: Say which numbers are wrong.
        revision_request: Correct the numbers.
        comparison: Which reply has fewer wrong numbers?

Two come with the package: `builtin:general` (helpful, honest, harmless) and `builtin:replies` (the
attributes of that task).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.methods.constitutional.yaml_files import read_mapping

_ID = re.compile(r"[a-z][a-z0-9_]*")


class Principle(Config):
    """One thing that an answer should be."""

    id: str
    """a short name, for metrics and tables: small letters, digits and underscores"""
    critique_request: str = Field(min_length=1)
    """asks for what is wrong with an answer"""
    revision_request: str = Field(min_length=1)
    """asks for an answer without it"""
    comparison: str = Field(min_length=1)
    """asks which of two answers is the better one"""

    @model_validator(mode="after")
    def _has_a_name_for_metrics(self) -> Self:
        if not _ID.fullmatch(self.id):
            raise ValueError(
                f"id: {self.id!r}; expected small letters, digits and underscores, as in no_insults"
            )
        return self


class Constitution(Config):
    """Principles, of which one is drawn whenever an answer is looked at."""

    description: str = ""
    """where it comes from and what it is for"""
    principles: list[Principle]
    """at least one"""

    @model_validator(mode="after")
    def _has_principles_with_names_of_their_own(self) -> Self:
        if not self.principles:
            raise ValueError("principles: there is none, so there is nothing to judge answers by")
        counts = Counter(principle.id for principle in self.principles)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"principles: the id {twice[0]!r} is used more than once; rename one")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the principles, in order."""
        return tuple(principle.id for principle in self.principles)


def load_constitution(name: str) -> Constitution:
    """The constitution in a file, or one that comes with the package.

    Raises ConfigError that names the file and the place in it.
    """
    tree, source = read_mapping(name, folder="constitutions")
    return Constitution.from_tree(tree, source=source)
