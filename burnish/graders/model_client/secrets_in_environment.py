"""Keys of servers: settings name the environment variable, and only here is it read.

So a key stands in no recipe and no run folder; and what a server says is cleared of it before it
becomes a message or is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from burnish.errors import ConfigError
from burnish.files.redaction import HIDDEN

ENV_NAME = r"^[A-Z_][A-Z0-9_]*$"
"""The name of a variable; a key that was put in its place mostly has small letters."""
_MIN_CHARS = 8
"""A shorter value would be found by chance in what a server says."""


def secret_in(variable: str, *, setting: str) -> str:
    """The value of an environment variable, fit for a header. Raises ConfigError without it."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(
            f"{setting}: the environment variable {variable} is not set, but the grader's server"
            " needs the key in it. Set it before the run, name another variable, or set"
            f" `{setting}: null` for a server without keys."
        )
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ConfigError(
            f"{setting}: the environment variable {variable} holds spaces, control characters or"
            " letters beyond ASCII, which no key has. Set it again, to the key alone."
        )
    return value


def conceal(content: bytes, secrets: Iterable[str]) -> bytes:
    """What a server said, whole, without the secrets that it may repeat."""
    for secret in secrets:
        if len(secret) >= _MIN_CHARS:
            content = content.replace(secret.encode(), HIDDEN.encode())
    return content
