"""Prompts and answers in rows of feedback: plain texts, lists of messages, and `hh` dialogues.

A conversation is asked in the form that the recipe names: by the tokenizer's chat template, or as
plain text in the way of `hh`, which any language model can read:

    \\n\\nHuman: How do magnets work?\\n\\nAssistant:

after which an answer begins with a space.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from burnish.data.feedback.kinds import Fault, FaultyRowError
from burnish.data.jsonl import Row
from burnish.data.messages import messages_in, transcript, turns_in
from burnish.errors import DataError
from burnish.types import Message, Problem

Form: TypeAlias = Literal["text", "chat"]
Prompt: TypeAlias = "str | tuple[Message, ...]"
"""What is asked: a text that an answer goes on with, or a conversation up to the answer."""

_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}
_NAMES = {"user": "Human", "assistant": "Assistant"}


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked, and one answer to it."""

    prompt: Prompt
    text: str


def problem_of(prompt: Prompt, form: Form) -> Problem:
    """A problem with an id of what it asks, so that rows of one prompt stay together."""
    text = prompt if isinstance(prompt, str) else dialogue_text(prompt)
    name = f"prompt-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if isinstance(prompt, str) or form == "text":
        return Problem(name, text, None)
    return Problem(name, transcript(prompt), None, messages=prompt)


def answer_text(prompt: Prompt, text: str, form: Form) -> str:
    """The answer as it follows the prompt: after `Assistant:` with a space."""
    is_dialogue_as_text = not isinstance(prompt, str) and form == "text"
    return f" {text.strip()}" if is_dialogue_as_text else text


def dialogue_text(messages: Sequence[Message]) -> str:
    """A conversation as plain text up to where the answer begins; instructions stand in front."""
    before = [m.content for m in messages if m.role not in _NAMES]
    turns = [f"\n\n{_NAMES[m.role]}: {m.content.strip()}" for m in messages if m.role in _NAMES]
    return f"{' '.join(before)}{''.join(turns)}\n\nAssistant:"


def is_hh(text: str) -> bool:
    """Whether a text is a dialogue of `hh`."""
    return bool(re.match(r"\s*Human:", text)) and "\n\nAssistant:" in text


def hh_answered(row: Row, column: str) -> Answered:
    """The last turn of an `hh` dialogue as the answer to those before it. Raises DataError."""
    text = row.text(column)
    opening, *parts = _TURN.split(text.strip())
    turns = [
        Message(_ROLES[name], content.strip())
        for name, content in zip(parts[::2], parts[1::2], strict=True)
    ]
    if opening or not turns or turns[0].role != "user":
        raise DataError(
            f'{row.where}: "{column}" is no dialogue that begins with "Human:"; the first row of'
            " the file is one"
        )
    return _with_answer(row, column, tuple(turns))


def chat_answered(row: Row, column: str) -> Answered:
    """The last message of a list as the answer to those before it. Raises DataError."""
    return _with_answer(row, column, turns_in(row, column))


def prompt_in(row: Row, column: str) -> Prompt:
    """A text, or messages that end with the user. Raises DataError."""
    if not isinstance(row.columns.get(column), list):
        return row.text(column)
    messages = messages_in(row, column)
    if messages[-1].role != "user":
        raise DataError(
            f'{row.where}: "{column}" ends with the {messages[-1].role}; it must end with the user,'
            " and the answers stand in columns of their own"
        )
    return messages


def answer_in(row: Row, column: str) -> str:
    """A text, or one assistant message. Raises DataError; an empty one is a fault of the row."""
    found = row.columns.get(column)
    if isinstance(found, str) and not found.strip():
        raise empty(row, column)
    if not isinstance(found, list):
        return row.text(column)
    turns = turns_in(row, column)
    if [turn.role for turn in turns] != ["assistant"]:
        raise DataError(f'{row.where}: "{column}" must be a text or one assistant message')
    return turns[0].content


def empty(row: Row, column: str) -> FaultyRowError:
    """The fault of an answer without words."""
    return FaultyRowError(
        Fault.EMPTY,
        f'{row.where}: the answer in "{column}" is empty, so there is nothing to judge. Remove the'
        " row, or set `task.bad_rows: skip` to leave such rows out and count them.",
    )


def _with_answer(row: Row, column: str, turns: tuple[Message, ...]) -> Answered:
    *before, last = turns or (Message("user", ""),)
    if last.role != "assistant":
        raise DataError(
            f'{row.where}: "{column}" ends with the {last.role}; expected the assistant\'s answer'
            " at the end"
        )
    if not last.content.strip():
        raise empty(row, column)
    return Answered(tuple(before), last.content)
