"""The row formats of the field, told apart by their columns: TRL, OpenAI, ShareGPT.

    {"prompt": "...", "completion": "..."}                      TRL prompt-completion
    {"prompt": [...], "completion": [{"role": "assistant"}]}    the same as a conversation
    {"prompt": "..." or [...], "answer": "4"}                   TRL prompt-only
    {"messages": [..., {"role": "assistant", ...}]}             TRL and OpenAI supervised rows
    {"messages": [..., {"role": "user", ...}], "answer": "4"}   OpenAI reinforcement rows
    {"conversations": [{"from": "human", "value": "..."}]}      ShareGPT
    {"question": "...", "answer": "4"}                          question and answer

Every further column is kept: it is `item.*` for graders, and one of them may be the gold answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from burnish.data.jsonl import Row
from burnish.data.messages import messages_in, transcript, turns_in
from burnish.errors import DataError
from burnish.types import Message


class RowFormat(StrEnum):
    """What a row looks like; the value is its name in messages."""

    PROMPT_COMPLETION = "TRL prompt-completion"
    PROMPT_COMPLETION_CHAT = "TRL conversational prompt-completion"
    PROMPT = "TRL prompt-only"
    PROMPT_CHAT = "TRL conversational prompt-only"
    MESSAGES = "messages that end with the assistant (TRL, OpenAI supervised)"
    OPENAI_RFT = "messages that end with the user (OpenAI RFT)"
    SHAREGPT = "ShareGPT"
    SHAREGPT_PROMPT = "ShareGPT without a reply"
    QUESTION = "question and answer"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a row asks and, where it has one, the reply to imitate.

    Attributes:
        format: how the row is written.
        question: what is asked, as plain text.
        messages: the conversation to be answered; empty for a plain prompt.
        reply: the annotated completion, if any.
    """

    format: RowFormat
    question: str
    messages: tuple[Message, ...] = ()
    reply: str | None = None


_OPENINGS = ("messages", "conversations", "prompt")
EXCHANGE_COLUMNS = (*_OPENINGS, "completion")
"""The columns that an Exchange is made of; the others are the row's fields."""

_PREFERENCE = ("chosen", "rejected", "preferred_output", "non_preferred_output")


def read_exchange(row: Row) -> Exchange:
    """Detect the row's format and read it. Raises DataError naming file and line."""
    openings = [column for column in _OPENINGS if column in row.columns]
    _refuse_others(row, openings)
    if "messages" in openings:
        return _dialogue(row, "messages", RowFormat.MESSAGES, RowFormat.OPENAI_RFT)
    if "conversations" in openings:
        return _dialogue(row, "conversations", RowFormat.SHAREGPT, RowFormat.SHAREGPT_PROMPT)
    if "prompt" in openings:
        chat = isinstance(row.columns["prompt"], list)
        return _chat_prompt(row) if chat else _plain_prompt(row)
    return Exchange(RowFormat.QUESTION, row.text("question"))


def require_one_format(exchange: Exchange, first: Exchange, row: Row, first_row: Row) -> None:
    """Raise DataError where a row is written otherwise than the first of its file."""
    if exchange.format is not first.format:
        raise DataError(
            f"{row.where}: the row's format is {exchange.format}, but line {first_row.number} is"
            f" {first.format}; a file has rows of one format, so split it in two"
        )


def _refuse_others(row: Row, openings: list[str]) -> None:
    preference = [column for column in _PREFERENCE if column in row.columns]
    if preference:
        raise DataError(
            f'{row.where}: "{preference[0]}" makes this a preference row; expected a question with'
            " a checkable answer"
        )
    if len(openings) > 1:
        raise DataError(
            f"{row.where}: has {' and '.join(map(repr, openings))}, each of which could be the"
            " question; keep one of them"
        )
    if row.columns.get("tools"):
        raise DataError(f'{row.where}: "tools" is not empty; only replies of text can be trained')
    if not openings and "question" not in row.columns:
        raise DataError(
            f'{row.where}: no question found in the columns ({row.names}); expected "messages",'
            ' "conversations", "prompt" or "question"'
        )


def _plain_prompt(row: Row) -> Exchange:
    prompt = row.text("prompt")
    if "completion" not in row.columns:
        return Exchange(RowFormat.PROMPT, prompt)
    return Exchange(RowFormat.PROMPT_COMPLETION, prompt, reply=row.text("completion"))


def _chat_prompt(row: Row) -> Exchange:
    messages = messages_in(row, "prompt")
    if messages[-1].role != "user":
        raise DataError(f'{row.where}: "prompt" ends with the {messages[-1].role}, not the user')
    if "completion" not in row.columns:
        return Exchange(RowFormat.PROMPT_CHAT, transcript(messages), messages)
    reply = _completion(row)
    return Exchange(RowFormat.PROMPT_COMPLETION_CHAT, transcript(messages), messages, reply)


def _completion(row: Row) -> str:
    """The one assistant message of a conversational completion."""
    reply = turns_in(row, "completion")
    if [message.role for message in reply] != ["assistant"]:
        raise DataError(f'{row.where}: "completion" must be one assistant message')
    return reply[0].content


def _dialogue(row: Row, column: str, with_reply: RowFormat, without_reply: RowFormat) -> Exchange:
    messages = messages_in(row, column)
    if "system" in row.columns and column == "conversations":
        messages = (Message("system", row.text("system")), *messages)
    *before, last = messages
    if last.role == "user":
        return Exchange(without_reply, transcript(messages), messages)
    if last.role != "assistant" or all(message.role != "user" for message in before):
        raise DataError(
            f'{row.where}: "{column}" ends with the {last.role}; expected a user message at the'
            " end, or the assistant's reply to one"
        )
    return Exchange(with_reply, transcript(before), tuple(before), last.content)
