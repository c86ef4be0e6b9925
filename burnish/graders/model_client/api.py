"""A model behind any server that speaks the chat completions API: OpenAI, vLLM, llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Generic, Literal

import pydantic
from pydantic import Field, field_validator

from burnish.graders.model_client.chat import (
    Chat,
    ChatReply,
    Conversation,
    Judgement,
    Questions,
    T,
    with_instruction,
)
from burnish.graders.model_client.posting import HttpConfig, Poster, PostError
from burnish.graders.model_client.reply_cache import ReplyCache, cache_key
from burnish.graders.model_client.secrets_in_environment import ENV_NAME
from burnish.graders.verdicts import ErrorKind, UngradableError, Verdict, each
from burnish.types import Json


class ServerConfig(HttpConfig):
    """An OpenAI-compatible server, and where its replies are kept."""

    base_url: str = Field(default="https://api.openai.com/v1", pattern=r"^https?://[^\s?#]+$")
    """the server's address up to the version, as for the `openai` package"""
    api_key_env: str | None = Field(default="OPENAI_API_KEY", pattern=ENV_NAME)
    """the environment variable with the server's key, sent as a bearer token; null: no key"""
    cache_folder: Path | None = Path("~/.cache/burnish/model_graders")
    """where replies are kept by what was asked; null: nowhere"""

    @field_validator("base_url")
    @classmethod
    def _no_secret(cls, url: str) -> str:
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError("a password in an address would be written into the run folder")
        return url.rstrip("/")


class ApiConfig(ServerConfig):
    """An OpenAI-compatible server that is asked for a text."""

    type: Literal["api"] = "api"
    """where the model runs"""
    reply_format: Literal["json_schema", "prompt"] = "json_schema"
    """json_schema: the server holds the reply to a schema; prompt: the prompt only asks for it,
    for servers without structured outputs"""

    def chat(self, questions: Questions[T]) -> Chat[T]:
        """Who answers them. Raises ConfigError where the key is missing."""
        return ApiChat(self, questions)


class ApiChat(Generic[T]):
    """Asks a server, several questions at a time; equal questions once."""

    def __init__(self, config: ApiConfig, questions: Questions[T]) -> None:
        """Raises ConfigError where the key is missing."""
        self._config = config
        self._questions = questions
        self._url = f"{config.base_url}/chat/completions"
        self._poster = Poster(self._url, config)
        self._cache = ReplyCache(config.cache_folder)

    def ask(self, conversations: Sequence[Conversation]) -> list[Judgement[T] | Verdict]:
        """One judgement a conversation; a failure where the server gives none that can be read."""
        bodies = [self._body(conversation) for conversation in conversations]
        keys = [cache_key(self._url, body) for body in bodies]
        unique = dict(zip(keys, bodies, strict=True))
        asked = each(
            list(unique.items()),
            lambda question: self._judge(*question),
            max_concurrent=self._config.max_concurrent,
        )
        judged = dict(zip(unique, asked, strict=True))
        return [judged[key] for key in keys]

    def _judge(self, key: str, body: dict[str, Json]) -> Judgement[T]:
        kept = self._cache.find(key)
        if kept is not None:
            return Judgement(self._questions.read(reply_in(kept)), num_tokens=0)
        told = self._post(body)
        reply = reply_in(told)
        value = self._questions.read(reply)
        self._cache.keep(key, told)
        return Judgement(value, reply.num_tokens)

    def _post(self, body: dict[str, Json]) -> Json:
        try:
            return self._poster.post(body)
        except PostError as error:
            is_refused = "HTTP 400" in str(error) and "response_format" in body
            hint = ". If it has no structured outputs, set `served_by.reply_format: prompt`"
            message = str(error) + (hint if is_refused else "")
            raise UngradableError(ErrorKind.MODEL_SERVER, message) from error

    def _body(self, conversation: Conversation) -> dict[str, Json]:
        options = asdict(self._questions.sampling)
        options["max_completion_tokens"] = options.pop("max_tokens")
        body: dict[str, Json] = {"model": self._questions.model}
        body |= {name: value for name, value in options.items() if value is not None}
        form = self._questions.format
        if self._config.reply_format == "prompt":
            conversation = with_instruction(conversation, form.instruction)
        else:
            schema = {"name": "grade", "strict": True, "schema": dict(form.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        body["messages"] = [dict(message) for message in conversation]
        return body


class _Message(pydantic.BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(pydantic.BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(pydantic.BaseModel):
    total_tokens: int = 0


class _Completion(pydantic.BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def reply_in(told: Json) -> ChatReply:
    """The first choice of a chat completion.

    Raises UngradableError for a refusal, and for JSON that is no chat completion.
    """
    try:
        completion = _Completion.model_validate(told)
    except pydantic.ValidationError as error:
        raise UngradableError(
            ErrorKind.MODEL_SERVER, f"the server's reply is no chat completion: {told!r:.200}"
        ) from error
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        words = choice.message.refusal or choice.finish_reason
        raise UngradableError(
            ErrorKind.MODEL_REFUSAL, f"the model refuses to grade: {words!r:.200}"
        )
    num_tokens = completion.usage.total_tokens if completion.usage else 0
    return ChatReply(choice.message.content or "", choice.finish_reason == "length", num_tokens)
