"""A model behind an OpenAI-compatible server as the judge, by `logprobs` and `top_logprobs`.

It is asked for one token, whose likeliest alternatives the server gives; an option has the
probability of the tokens that spell it, with or without a space in front, and none where it is not
among them. So an option must be one token for the server's model: where 10 is two, a scale up to 9
is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import pydantic
from pydantic import Field

from burnish.errors import GraderError
from burnish.graders.model_client.api import ServerConfig
from burnish.graders.model_client.posting import Poster, PostError
from burnish.graders.model_client.reply_cache import ReplyCache, cache_key
from burnish.graders.verdicts import ErrorKind, UngradableError, each
from burnish.training.judging.options import Choice, JudgeTokens, OptionModel, Written
from burnish.training.workbench import Workbench
from burnish.types import GraderFailure, Json, Score

_T = TypeVar("_T")


class EndpointJudgeModelConfig(ServerConfig):
    """A model behind a server; replies are kept, so nothing is asked and paid for twice."""

    type: Literal["endpoint"] = "endpoint"
    """where the judge runs"""
    model: str = Field(min_length=1)
    """its name at the server"""
    top_logprobs: int = Field(default=20, ge=2, le=20)
    """alternatives that the server is asked for; OpenAI and vLLM give 20"""

    def open(self, _bench: Workbench) -> OptionModel:
        """Raises ConfigError where the key is missing."""
        return EndpointOptions(self)


class EndpointOptions:
    """Asks a server, several prompts at a time."""

    def __init__(self, config: EndpointJudgeModelConfig) -> None:
        """Raises ConfigError where the key is missing."""
        self._config = config
        self._url = f"{config.base_url}/chat/completions"
        self._poster = Poster(self._url, config)
        self._cache = ReplyCache(config.cache_folder)

    @property
    def name(self) -> str:
        """The model and where it runs."""
        return f"{self._config.model}@{urlsplit(self._config.base_url).netloc}"

    def choose(
        self, prompts: Sequence[str], options: Sequence[str]
    ) -> list[Choice | GraderFailure]:
        """How each prompt goes on.

        Raises GraderError where the server stays down or busy, or gives no log-probabilities.
        """
        asked = [self._body(prompt, num_tokens=1) for prompt in prompts]
        settings: dict[str, Json] = {"logprobs": True, "top_logprobs": self._config.top_logprobs}
        return self._each(asked, settings, lambda reply: self._choice(reply, options))

    def write(
        self, prompts: Sequence[str], *, max_tokens: int, temperature: float, seeds: Sequence[int]
    ) -> list[Written | GraderFailure]:
        """One paragraph each. Raises GraderError as above."""
        asked = [
            self._body(prompt, num_tokens=max_tokens) | {"temperature": temperature, "seed": seed}
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        return self._each(asked, {}, lambda reply: Written(reply.words, reply.tokens))

    def _body(self, prompt: str, *, num_tokens: int) -> dict[str, Json]:
        return {
            "model": self._config.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_completion_tokens": num_tokens,
        }

    def _each(
        self,
        bodies: Sequence[dict[str, Json]],
        settings: dict[str, Json],
        read: Callable[[_Reply], _T],
    ) -> list[_T | GraderFailure]:
        found = each(
            [body | settings for body in bodies],
            lambda body: read(self._reply(body)),
            max_concurrent=self._config.max_concurrent,
        )
        return [reply for reply in found if not isinstance(reply, Score)]

    def _reply(self, body: dict[str, Json]) -> _Reply:
        """From the cache, or from the server. Raises UngradableError for a refusal."""
        key = cache_key(self._url, body)
        told = self._cache.find(key)
        if told is None:
            try:
                told = self._poster.post(body)
            except PostError as error:
                raise GraderError(
                    f"the judge {self.name} cannot be asked: {str(error).rstrip('.')}. What it has "
                    "said so far is kept: mend the server, the key or the model's name, and "
                    "continue with --resume."
                ) from error
        reply = self._read(told)
        self._cache.keep(key, told)
        return reply

    def _read(self, told: Json) -> _Reply:
        try:
            reply = _Reply.model_validate(told)
        except pydantic.ValidationError as error:
            raise GraderError(
                f"the judge {self.name}: the server's reply is no chat completion: {told!r:.200}"
            ) from error
        choice = reply.choices[0]
        if choice.message.refusal or choice.finish_reason == "content_filter":
            words = choice.message.refusal or choice.finish_reason
            raise UngradableError(ErrorKind.MODEL_REFUSAL, f"the judge refuses: {words!r:.200}")
        return reply

    def _choice(self, reply: _Reply, options: Sequence[str]) -> Choice:
        told = reply.choices[0].logprobs
        if told is None or not told.content or not told.content[0].top_logprobs:
            raise GraderError(
                f"the judge {self.name}: the server gives no `top_logprobs`, by which labels are "
                "read. Take a server and a model that have them (vLLM, llama.cpp, most of "
                "OpenAI's models without reasoning), or `judge.model: {type: local}`."
            )
        likely = told.content[0].top_logprobs
        probabilities = tuple(
            sum(exp(token.logprob) for token in likely if token.token.strip() == option.strip())
            for option in options
        )
        return Choice(probabilities, reply.tokens)


class _Token(pydantic.BaseModel):
    token: str
    logprob: float


class _Alternatives(pydantic.BaseModel):
    top_logprobs: list[_Token] = []


class _Logprobs(pydantic.BaseModel):
    content: list[_Alternatives] | None = None


class _Message(pydantic.BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(pydantic.BaseModel):
    message: _Message
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Usage(pydantic.BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Reply(pydantic.BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage = _Usage()

    @property
    def tokens(self) -> JudgeTokens:
        return JudgeTokens(self.usage.prompt_tokens, self.usage.completion_tokens)

    @property
    def words(self) -> str:
        return self.choices[0].message.content or ""
