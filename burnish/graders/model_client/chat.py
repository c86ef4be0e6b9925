"""What a model grader asks of a model, and what it is told; the same for a server and in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from burnish.graders.verdicts import Verdict
from burnish.types import Json

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
ChatMessage: TypeAlias = Mapping[str, Json]
"""A message of the chat completions API: a role, and a text or parts."""
Conversation: TypeAlias = tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn; None leaves it to the model's own default."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    reasoning_effort: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyFormat:
    """The JSON that is expected: by its schema, and in words for models held to none."""

    schema: Mapping[str, Json]
    instruction: str


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What the model said.

    Attributes:
        text: its words.
        is_truncated: whether a token limit cut it off.
        num_tokens: of prompt and reply together; 0 where nobody counted.
    """

    text: str
    is_truncated: bool
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Questions(Generic[T]):
    """What all questions of one grader have in common.

    Attributes:
        model: its name, on the server or here.
        sampling: how replies are drawn.
        format: the JSON that is expected.
        read: finds what was asked for in a reply, such as a number; raises UngradableError where
            it is not there.
    """

    model: str
    sampling: Sampling
    format: ReplyFormat
    read: Callable[[ChatReply], T]


@dataclass(frozen=True, slots=True)
class Judgement(Generic[T_co]):
    """What was found in a reply, and how many tokens it took to get it this time."""

    value: T_co
    num_tokens: int


class Chat(Protocol[T]):
    """A model that answers the questions of one grader."""

    def ask(self, conversations: Sequence[Conversation]) -> list[Judgement[T] | Verdict]:
        """One judgement a conversation, in order; a failure where there is none."""
        ...


def with_instruction(conversation: Conversation, instruction: str) -> Conversation:
    """The conversation with the wanted format told in words, at the end of its last message."""
    *before, last = conversation
    content = last["content"]
    if isinstance(content, list):
        told: Json = [*content, {"type": "text", "text": instruction}]
    else:
        told = f"{content}\n\n{instruction}"
    return (*before, {**last, "content": told})
