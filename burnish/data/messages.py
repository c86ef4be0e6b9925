"""Conversations in rows, by OpenAI (`role`, `content`) or ShareGPT (`from`, `value`) turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from burnish.data.jsonl import Row, json_type
from burnish.errors import DataError
from burnish.types import Json, Message

_ROLES: Mapping[str, str] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "human": "user",
    "gpt": "assistant",
}
_TOOL_KEYS = ("tool_calls", "function_call", "tool_call_id")
_INSTRUCTIONS = ("system", "developer")


def messages_in(row: Row, column: str) -> tuple[Message, ...]:
    """The turns in a column, at least one by the user. Raises DataError."""
    messages = turns_in(row, column)
    if not messages:
        raise DataError(f'{row.where}: "{column}" is empty; a row needs a user message')
    if all(message.role != "user" for message in messages):
        raise DataError(f'{row.where}: "{column}" has no user message; a row needs one')
    return messages


def turns_in(row: Row, column: str) -> tuple[Message, ...]:
    """The turns in a column, in order. Raises DataError.

    Parts of text are joined; images and tool calls are refused; names and weights are not read.
    """
    turns = row.columns[column]
    if not isinstance(turns, list):
        raise DataError(
            f'{row.where}: "{column}" is {json_type(turns)}; it must be a list of messages'
        )
    return tuple(_message(turn, f"{row.where}: {column}[{i}]") for i, turn in enumerate(turns))


def transcript(messages: Sequence[Message]) -> str:
    """What is asked, as one readable text: without instructions; a lone question without role."""
    turns = [message for message in messages if message.role not in _INSTRUCTIONS]
    if len(turns) == 1:
        return turns[0].content
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in turns)


def _message(turn: Json, where: str) -> Message:
    if not isinstance(turn, dict):
        raise DataError(f"{where} is {json_type(turn)}; a message is an object")
    if any(turn.get(key) for key in _TOOL_KEYS):
        raise DataError(f"{where} calls a tool; only messages of text can be used")
    role_key, content_key = ("from", "value") if "from" in turn else ("role", "content")
    role = turn.get(role_key)
    if not isinstance(role, str) or role not in _ROLES:
        raise DataError(
            f'{where}: "{role_key}" is {role!r:.40}; expected system, developer, user or assistant'
            ' (or ShareGPT\'s "from" with human or gpt)'
        )
    content = _text(turn.get(content_key), f'{where}: "{content_key}"')
    if not content.strip() and role not in _INSTRUCTIONS:
        raise DataError(f'{where}: "{content_key}" is empty; a message needs a text')
    return Message(_ROLES[role], content)


def _text(content: Json, what: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise DataError(f"{what} is {json_type(content)}; expected a string or parts of text")
    return "".join(_part(part, what) for part in content)


def _part(part: Json, what: str) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise DataError(f"{what} has a part that is no text; images and sound cannot be used")
    return text
