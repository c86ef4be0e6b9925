"""Finished dialogues that a model reads before its own (few-shot).

Without them a model that was only pretrained takes a critique for a revision, or the other way
round (Bai et al. 2022, arXiv:2212.08073, section 3.1).
"""

from __future__ import annotations

from pydantic import Field

from burnish.config import Config
from burnish.methods.constitutional.yaml_files import read_mapping


class Exemplar(Config):
    """One answer that was criticised and revised."""

    question: str = Field(min_length=1)
    """what was asked"""
    answer: str = Field(min_length=1)
    """what was answered at first"""
    critique_request: str = Field(min_length=1)
    """as in a principle"""
    critique: str = Field(min_length=1)
    """what was wrong"""
    revision_request: str = Field(min_length=1)
    """as in a principle"""
    revision: str = Field(min_length=1)
    """the answer without it"""


class Exemplars(Config):
    """A file of them."""

    exemplars: list[Exemplar] = Field(min_length=1)
    """in the order in which they are read"""


def load_exemplars(name: str | None) -> list[Exemplar]:
    """Those of a file, or of `builtin:general`; none for None.

    Raises ConfigError that names the file and the place in it.
    """
    if name is None:
        return []
    tree, source = read_mapping(name, folder="critiques")
    return Exemplars.from_tree(tree, source=source).exemplars
