"""JSON to a server and back, although servers are busy, slow, down or confused for a while.

Tried again: connection errors, time-outs, 408, 409, 425, 429, every 5xx and replies that are no
JSON. The wait doubles from `first_wait_s` to `max_wait_s`, half of it by chance so that many
samples do not come back at once; a server's Retry-After counts instead, up to the same maximum.
Everything else that is no 2xx is final. A reply as a whole has `timeout_s`, so a server that drips
bytes times out too.

Keys come from the environment and stand in no recipe, no run folder and no message.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from pydantic import Field

from burnish.config import Config
from burnish.files.redaction import HIDDEN
from burnish.graders.model_client.secrets_in_environment import ENV_NAME, conceal, secret_in
from burnish.types import Json

MAX_REPLY_BYTES = 16 << 20
_MAX_EXCERPT_CHARS = 300
_TEMPORARY = {408, 409, 425, 429}


class HttpConfig(Config):
    """How patiently a server is asked."""

    api_key_env: str | None = Field(default=None, pattern=ENV_NAME)
    """the environment variable with the server's key, sent as a bearer token; null: no key"""
    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """seconds that one try may take as a whole"""
    max_retries: int = Field(default=5, ge=0, le=100)
    """how often a request that failed for a passing reason is sent again"""
    first_wait_s: float = Field(default=0.5, gt=0)
    """seconds before the first of them; they double from one to the next"""
    max_wait_s: float = Field(default=30.0, gt=0)
    """longest wait, also where the server asks for a longer one"""
    max_concurrent: int = Field(default=16, ge=1, le=1024)
    """requests under way at a time"""

    def key(self) -> str | None:
        """The key itself. Raises ConfigError where the variable is not set."""
        if self.api_key_env is None:
            return None
        return secret_in(self.api_key_env, setting="api_key_env")


class PostError(Exception):
    """The server gave no usable reply, however often it was asked."""


class _PassingError(Exception):
    """This try failed; another may not."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Poster:
    """Posts JSON to one address; for several threads at a time."""

    def __init__(
        self,
        url: str,
        config: HttpConfig,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` go along with every request; what is in `secret_headers` is never repeated.

        Raises ConfigError where the key is missing.
        """
        self._url = url
        self._config = config
        key = config.key()
        bearer = {"Authorization": f"Bearer {key}"} if key else {}
        secret = {**(secret_headers or {}), **bearer}
        self._secrets = tuple(filter(None, [key, *(secret_headers or {}).values()]))
        self._chance = random.Random()  # not the run's: how long a wait is changes no result
        self._client = httpx2.Client(
            headers={**(headers or {}), **secret},
            timeout=config.timeout_s,
            limits=httpx2.Limits(max_connections=config.max_concurrent),
        )

    def post(self, body: Json) -> Json:
        """The server's reply. Raises PostError, which names the server and its last words."""
        tries = self._config.max_retries + 1
        for number in range(tries):
            try:
                return self._once(body)
            except _PassingError as error:
                if number == tries - 1:
                    message = f"{self._url} failed {tries} times, the last time with {error}"
                    raise PostError(self._without_secrets(message)) from None
                time.sleep(self._wait_s(number, error))
        raise AssertionError("the last try returns or raises")

    def _once(self, body: Json) -> Json:
        try:
            status, headers, content = self._exchange(body)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise _PassingError(f"{type(error).__name__} ({error})") from error
        if status in _TEMPORARY or status >= 500:
            told = f"HTTP {status}: {_excerpt(content)}"
            raise _PassingError(told, _retry_after_s(headers.get("retry-after")))
        if not 200 <= status < 300:
            message = f"{self._url} refused the request with HTTP {status}: {_excerpt(content)}"
            raise PostError(self._without_secrets(message))
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _PassingError(f"a reply that is no JSON: {_excerpt(content)}") from error

    def _exchange(self, body: Json) -> tuple[int, httpx2.Headers, bytes]:
        deadline = time.monotonic() + self._config.timeout_s
        content = bytearray()
        with self._client.stream("POST", self._url, json=body) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MAX_REPLY_BYTES:
                    raise _PassingError(f"a reply of more than {MAX_REPLY_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise _PassingError(f"a reply that took over {self._config.timeout_s:g} s")
            return response.status_code, response.headers, conceal(bytes(content), self._secrets)

    def _wait_s(self, number: int, error: _PassingError) -> float:
        if error.wait_s is not None:
            return min(error.wait_s, self._config.max_wait_s)
        longest = min(self._config.first_wait_s * 2.0**number, self._config.max_wait_s)
        return longest * self._chance.uniform(0.5, 1.0)

    def _without_secrets(self, message: str) -> str:
        """Some servers repeat the key, and messages end up in the run folder."""
        for secret in self._secrets:
            message = message.replace(secret, HIDDEN)
        return message


def _excerpt(content: bytes) -> str:
    text = " ".join(content.decode("utf-8", "replace").split())
    return f"{text[:_MAX_EXCERPT_CHARS]!r}"


def _retry_after_s(header: str | None) -> float | None:
    """The wait that a server asks for, in seconds or as a date; None where it asks for none."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None
