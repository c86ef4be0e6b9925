"""Secrets in texts that are about to be written or shown.

Settings name the environment variable that holds a key, so none should be in a recipe. But a
server may repeat a key, and people write one where it does not belong. This is the last net.
"""

from __future__ import annotations

import json
import os
import re

from burnish.types import Json

HIDDEN = "***"
_MIN_LENGTH = 12
"""Of what is taken for a secret by the name of its variable; `API_KEY=none` is a placeholder."""
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
_SECRET_WORDS = {
    *("auth", "authorization", "apikey", "cookie", "credential", "credentials", "key", "passwd"),
    *("password", "secret", "sig", "signature", "token"),
}
_SHAPES = (
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(r"\b(?:sk|pk|rk|hf|gsk|nvapi|ghp|gho|github_pat|glpat|xox[abp])[-_][\w-]{12,}"),
        HIDDEN,
    ),
    (re.compile(r"\b(?:AKIA|AIza)[\w-]{12,}"), HIDDEN),
    (re.compile(r"(://)[^/\s'\"?#]*@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"([?&][\w-]{0,40}(?:key|token|secret|password|sig|signature)=)[^&\s'\"]+", re.I
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"(\b(?:[\w-]{0,40}(?:authorization|api[-_]?key|secret|auth[-_]token)|cookie|password|"
            r"access[-_]token)['\"]?\s*[:=]\s*['\"]?)[^'\",}\s&]+",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
)


def is_secret_name(name: str) -> bool:
    """Whether a header or a parameter of this name holds a secret: X-Api-Key, access_token."""
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return not _SECRET_WORDS.isdisjoint(re.split(r"[^a-z]+", words.lower()))


def without_known_secrets(text: str) -> str:
    """The text with the values of this process's variables of secret names hidden.

    Nothing is guessed: what a model wrote stays as it is.
    """
    for secret in _known_secrets():
        text = text.replace(secret, HIDDEN)
    return text


def without_secrets(text: str) -> str:
    """The text with known secrets hidden, and whatever looks like one."""
    text = without_known_secrets(text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def without_secrets_in(tree: Json) -> Json:
    """The same for every text of a tree, which keeps its shape."""
    if isinstance(tree, str):
        return without_secrets(tree)
    if isinstance(tree, dict):
        return {key: without_secrets_in(value) for key, value in tree.items()}
    return [without_secrets_in(value) for value in tree] if isinstance(tree, list) else tree


def _known_secrets() -> list[str]:
    """Longest first, also as they stand in JSON."""
    values = {value.strip() for name, value in os.environ.items() if _SECRET_VARIABLE.search(name)}
    long = {value for value in values if len(value) >= _MIN_LENGTH and not value.isdecimal()}
    escaped = {json.dumps(value)[1:-1] for value in long}
    return sorted(long | escaped, key=len, reverse=True)
