"""A grader behind an address of one's own: `{sample, item}` is posted, `{score}` comes back.

OpenAI's format has none; Azure's documentation of the same service speaks of one and publishes no
schema. So this one is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import pydantic
from pydantic import Field, field_validator

from burnish.files.redaction import is_secret_name, without_secrets
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader
from burnish.graders.model_client.posting import HttpConfig, Poster, PostError
from burnish.graders.model_client.secrets_in_environment import ENV_NAME, secret_in
from burnish.graders.openai.namespace import Namespace, namespace_of
from burnish.graders.verdicts import ErrorKind, UngradableError, Verdict, each, score_of
from burnish.types import Completion, Problem, Score


class EndpointConfig(HttpConfig):
    """Ask a service of one's own."""

    type: Literal["endpoint"] = "endpoint"
    """the grader"""
    name: str = ""
    """what it is called"""
    url: str = Field(pattern=r"^https?://[^\s@]+$")
    """where samples are posted, one a request"""
    headers: dict[str, str] = Field(default_factory=dict)
    """sent along; a secret does not belong here, but into a variable that `api_key_env` or
    `headers_env` names"""
    headers_env: dict[str, Annotated[str, Field(pattern=ENV_NAME)]] = Field(default_factory=dict)
    """sent along, each with the value of the environment variable that is named here:
    {X-Api-Key: MY_KEY}"""
    pass_threshold: float | None = Field(default=None, allow_inf_nan=False)
    """score from which an answer counts as correct; null: 1"""

    @field_validator("headers")
    @classmethod
    def _no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if is_secret_name(name) or without_secrets(value) != value:
                raise ValueError(
                    f"{name:.40} would be written into the run folder; use api_key_env for"
                    " Authorization, and headers_env for others"
                )
            if not (f"{name}{value}".isascii() and f"{name}{value}".isprintable()):
                raise ValueError(f"{name!r:.40}: a header is printable ASCII")
        return headers

    @field_validator("url")
    @classmethod
    def _no_secret_in_url(cls, url: str) -> str:
        if without_secrets(url) != url:
            raise ValueError(
                "a key in an address would be written into the run folder; send it by api_key_env"
                " or headers_env"
            )
        return url

    def secret_headers(self) -> dict[str, str]:
        """Those from the environment. Raises ConfigError where a variable is not set."""
        return {
            name: secret_in(variable, setting=f"headers_env.{name}")
            for name, variable in self.headers_env.items()
        }

    def build(self) -> Grader:
        """The grader, which never raises. Raises ConfigError where the key is missing."""
        return Guarded(EndpointGrader(self))


class _Reply(pydantic.BaseModel):
    score: float = Field(strict=True, allow_inf_nan=False)


class EndpointGrader:
    """Scores what the service says."""

    def __init__(self, config: EndpointConfig) -> None:
        """Raises ConfigError where the key is missing."""
        self._config = config
        self._poster = Poster(config.url, config, config.headers, config.secret_headers())

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Verdict]:
        """Several samples at a time."""
        samples = [namespace_of(pair) for pair in pairs]
        return each(samples, self._score, max_concurrent=self._config.max_concurrent)

    def _score(self, namespace: Namespace) -> Score:
        try:
            told = self._poster.post({"sample": {**namespace.sample}, "item": {**namespace.item}})
            reply = _Reply.model_validate(told)
        except PostError as error:
            raise UngradableError(ErrorKind.OTHER, str(error)) from error
        except pydantic.ValidationError as error:
            raise UngradableError(
                ErrorKind.OTHER,
                f'{self._config.url} replied {told!r:.200}; expected {{"score": a finite number}}',  # pyright: ignore[reportPossiblyUnboundVariable]
            ) from error
        threshold = self._config.pass_threshold
        return score_of(reply.score, text=namespace.text, pass_threshold=threshold)
