"""A text file that a user named: read whole, or refused before it can hang or fill the memory.

Whatever is wrong becomes an OSError or a ValueError with a sentence in it, so callers turn both
into the error of their own boundary.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_NO_FILES = {
    stat.S_IFIFO: "it is a named pipe; write what it gives to a file first",
    stat.S_IFCHR: "it is a device, not a file",
    stat.S_IFBLK: "it is a device, not a file",
    stat.S_IFSOCK: "it is a socket, not a file",
}


class NotTextError(ValueError):
    """Bytes that are no UTF-8."""


def read_text(path: Path, *, most_bytes: int | None = None) -> str:
    """The text of a regular file, in UTF-8, with or without a byte order mark.

    Args:
        path: a file. Pipes and devices are refused: they could be waited for without end, and files
            are read more than once.
        most_bytes: a larger file is refused.

    Raises:
        OSError: it cannot be opened, is no regular file or is too large; `strerror` says what.
        NotTextError: it is no UTF-8; names the line.
        ValueError: the path itself is none.
    """
    with open(path.expanduser(), "rb", opener=_open_at_once) as file:
        _require_file(os.fstat(file.fileno()), path, most_bytes)
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotTextError(_where(content, error)) from error


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for somebody who writes into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _require_file(found: os.stat_result, path: Path, most_bytes: int | None) -> None:
    reason = _NO_FILES.get(stat.S_IFMT(found.st_mode))
    if reason is not None:
        raise OSError(errno.EINVAL, reason, str(path))
    if most_bytes is not None and found.st_size > most_bytes:
        reason = f"it has {found.st_size} bytes, more than the {most_bytes} that one may have"
        raise OSError(errno.EFBIG, reason, str(path))


def _where(content: bytes, error: UnicodeDecodeError) -> str:
    line = error.object[: error.start].count(b"\n") + 1
    found = f"line {line} has the byte 0x{error.object[error.start]:02x}, which is no UTF-8"
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return f"{found}; {'it looks like UTF-16. ' if is_utf16 else ''}save the file as UTF-8"
