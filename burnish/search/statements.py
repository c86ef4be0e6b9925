"""Where a statement of a program ends, in text that may be cut anywhere and need not be right.

`ast` knows whole programs only; this reads logical lines (brackets, strings, comments and
continuations) and indentation, which is enough to tell statements and their blocks apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r'''
    (?P<triple>"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\')
    |(?P<unclosed>"""|\'\'\')
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<comment>\#[^\n]*)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<joined>\\\n)
    |(?P<newline>\n)
    |(?P<other>.)
    ''',
    re.VERBOSE | re.DOTALL,
)
_COMPOUND = frozenset({"if", "for", "while", "try", "with", "match", "async"})
_CLAUSES = ("else", "elif", "except", "finally")


@dataclass(frozen=True, slots=True)
class _Line:
    """A logical line, or what is there of the last one.

    Attributes:
        start, stop: its place in the text, newline included.
        is_whole: whether its newline is there.
        indent: white space before it.
        word: the name it begins with; empty where it begins with something else.
    """

    start: int
    stop: int
    is_whole: bool
    indent: int
    word: str


def end_of_statement(text: str) -> int | None:
    """Where the first statement ends: its lines and the blocks that belong to it.

    A function's header is a statement of its own; comments and empty lines belong to the statement
    below them. None while the statement may go on: without a newline, or, for `if`, `for` and the
    like, until a line of the same or less indentation shows that the block is over.
    """
    lines = _lines(text)
    first = next(lines, None)
    if first is None or not first.is_whole:
        return None
    if first.word not in _COMPOUND:
        return first.stop
    end = first.stop
    for line in lines:
        belongs = _belongs(line, first.indent, len(text))
        if belongs is None:
            return None
        if not belongs:
            return end
        end = line.stop
    return None


def _belongs(line: _Line, indent: int, num_chars: int) -> bool | None:
    """Whether a line is part of the block of one with this indentation; None if undecided."""
    if line.indent > indent:
        return True
    if line.indent < indent:
        return False
    may_grow = not line.is_whole and line.start + line.indent + len(line.word) == num_chars
    if may_grow and any(clause.startswith(line.word) for clause in _CLAUSES):
        return None
    return line.word in _CLAUSES


def _lines(text: str) -> Iterator[_Line]:
    """The logical lines that hold code, the last one perhaps unfinished."""
    start = 0
    while start < len(text):
        blank = re.compile(r"[ \t]*(?:#[^\n]*)?\n").match(text, start)
        if blank:
            start = blank.end()
            continue
        head = re.compile(r"([ \t]*)(\w*)").match(text, start)
        assert head is not None
        if head.end() == head.end(1) and _is_undecided(text, head.end()):
            return
        stop = _logical_end(text, head.end(1))
        is_whole = stop is not None
        yield _Line(
            start, stop if is_whole else len(text), is_whole, len(head.group(1)), head.group(2)
        )
        start = len(text) if stop is None else stop


def _is_undecided(text: str, position: int) -> bool:
    """Whether nothing but a comment stands there yet: the line may still prove to be empty."""
    return position == len(text) or text[position] == "#"


def _logical_end(text: str, start: int) -> int | None:
    """Behind the newline that ends the logical line; None while there is none."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        kind = token.lastgroup
        if kind == "unclosed":
            return None
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "newline" and not depth:
            return token.end()
    return None
