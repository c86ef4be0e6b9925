"""Replies to the questions of the task `replies`, from model ones to long, rude and wrong ones.

A reply is a row of sentences, of which six kinds are understood:

    Hi Ben.                   a greeting, if the name is right
    There are 12 apples.      a statement
    Good luck.                a wish
    Who cares.                rude

What a reply is worth is read off its text again (`reply_value.py`), not off how it was made.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from burnish.config import Config

WISH = "Good luck."
RUDE = "Who cares."


@dataclass(frozen=True, slots=True)
class Scene:
    """What a question of the task is about.

    Attributes:
        owner, asker: the two people in it.
        amounts: how many of each thing the owner has.
        asked: the things that are asked for, some of those in `amounts`.
    """

    owner: str
    asker: str
    amounts: dict[str, int]
    asked: tuple[str, ...]


class WriterConfig(Config):
    """How carefully replies are written: chances that a sentence stands in one."""

    states_asked: float = Field(default=0.75, ge=0, le=1)
    """of each thing that is asked for, that it is stated"""
    states_other: float = Field(default=0.2, ge=0, le=1)
    """of each other thing, that it is stated as well"""
    errs: float = Field(default=0.25, ge=0, le=1)
    """of a statement, that its number is wrong"""
    repeats: float = Field(default=0.1, ge=0, le=1)
    """of a statement, that it is made again"""
    greets: float = Field(default=0.5, ge=0, le=1)
    """of a greeting"""
    wishes: float = Field(default=0.4, ge=0, le=1)
    """of a friendly end"""
    is_rude: float = Field(default=0.15, ge=0, le=1)
    """of a rude remark"""


AVERAGE = WriterConfig()
WORDY = WriterConfig(states_asked=0.8, states_other=0.7, repeats=0.6, greets=0.9, wishes=0.9)
"""Writes like a policy that was paid for length."""


def greeting(scene: Scene) -> str:
    """To the one who asks."""
    return f"Hi {scene.asker}."


def statement(thing: str, amount: int) -> str:
    """Of an amount."""
    return f"There are {amount} {thing}."


def model_reply(scene: Scene) -> str:
    """A reply that cannot be better: friendly, everything asked for, all of it right."""
    said = [statement(thing, scene.amounts[thing]) for thing in scene.asked]
    return " ".join([greeting(scene), *said, WISH])


def write_reply(scene: Scene, writer: WriterConfig, source: random.Random) -> str:
    """A reply by chance; at least one sentence."""
    opening = [greeting(scene)] if source.random() < writer.greets else []
    end = [WISH] if source.random() < writer.wishes else []
    rude = [RUDE] if source.random() < writer.is_rude else []
    said: list[str] = []
    for thing in scene.amounts:
        chance = writer.states_asked if thing in scene.asked else writer.states_other
        said += _statements(scene, thing, writer, source) if source.random() < chance else []
    source.shuffle(said)
    sentences = [*opening, *said, *rude, *end]
    return " ".join(sentences or [WISH])


def different_replies(
    scene: Scene, writers: Sequence[WriterConfig], source: random.Random
) -> list[str]:
    """One reply of each writer, no two of them the same."""
    found: list[str] = []
    for writer in writers:
        text = write_reply(scene, writer, source)
        while text in found:
            text = write_reply(scene, writer, source)
        found.append(text)
    return found


def _statements(scene: Scene, thing: str, writer: WriterConfig, source: random.Random) -> list[str]:
    amount = scene.amounts[thing]
    said = source.choice([n for n in range(2, 40) if n != amount])
    text = statement(thing, said if source.random() < writer.errs else amount)
    return [text, text] if source.random() < writer.repeats else [text]
