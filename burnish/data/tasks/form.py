"""A prompt as plain text, which a completion goes on with, or as a message to a chat model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias

from burnish.types import Message, Problem

Form: TypeAlias = Literal["text", "chat"]


def in_form(problem: Problem, form: Form, message: Callable[[Problem], str]) -> Problem:
    """The problem; in a chat as a conversation, of which `message` makes the user's first."""
    if form == "text":
        return problem
    return replace(problem, messages=(Message("user", message(problem).strip()),))
