"""What an error says on the terminal: one paragraph, without secrets and control characters."""

from __future__ import annotations

import re

from burnish.files.redaction import without_secrets

_MOST_CHARS = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_EMPTY_LINES = re.compile(r"\n\s*\n")


def paragraph(message: str) -> str:
    """The message as it can be shown. Names in it may come from files of other people."""
    shown = _CONTROL.sub("?", without_secrets(message).replace("\r\n", "\n"))
    shown = _EMPTY_LINES.sub("\n", shown.encode(errors="replace").decode()).strip()
    return shown if len(shown) <= _MOST_CHARS else f"{shown[:_MOST_CHARS]} ..."
