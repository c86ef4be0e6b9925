"""A prompt as plain text, which a completion goes on with, or as a message to a chat model."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from burnish.types import Message, Problem

Form: TypeAlias = Literal["text", "chat"]


def message_with(problem: Problem, text: str) -> Problem:
    """The problem as a conversation: the text is the user's one message."""
    return replace(problem, messages=(Message("user", text.strip()),))
