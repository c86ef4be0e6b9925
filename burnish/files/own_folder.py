"""Writing in a folder of one's own without leaving it: names are plain, links are not followed.

A run folder may come from somebody else. A link in it, or a name with `..`, would let a run that is
continued there write over any file of whoever continues it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,120}")


def is_plain_name(name: str) -> bool:
    """Whether a name stays in its folder everywhere: no separators, no leading dot, no blanks."""
    return _PLAIN.fullmatch(name) is not None


def open_no_link(path: str, flags: int) -> int:
    """An opener for `open`: raises OSError where the path itself is a link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def first_link(folder: Path) -> Path | None:
    """A link somewhere in a folder; None where there is none. The folder itself may be one."""
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            if path.is_symlink():
                return path
    return None
