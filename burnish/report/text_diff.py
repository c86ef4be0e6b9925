"""What changed from one text to the next, word by word; the alignment is rapidfuzz's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from rapidfuzz.distance import Indel, Levenshtein

Mark: TypeAlias = Literal["kept", "removed", "added"]

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d]+|\s+|.", re.DOTALL)
_ALIKE = 0.6
"""Words at least this alike (from 0 to 1) are compared by their characters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the same mark."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The earlier text in kept and removed pieces, the later one in kept and added ones."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]

    @property
    def is_same(self) -> bool:
        """Nothing was removed or added."""
        return all(piece.mark == "kept" for piece in self.before + self.after)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Parts of both texts that stand for each other."""

    is_kept: bool
    before: str
    after: str


def text_diff(before: str, after: str) -> TextDiff:
    """Marks words that were removed and added; numbers as a whole, similar words by character.

    Spaces alone between two changes are counted as changed, so that a rewritten phrase is one
    piece. Pieces of each side, joined, are that text.
    """
    stretches = [
        part
        for stretch in _joined(_aligned(_WORD.findall(before), _WORD.findall(after)))
        for part in _refined(stretch)
    ]
    return TextDiff(
        _joined_pieces(Piece("kept" if s.is_kept else "removed", s.before) for s in stretches),
        _joined_pieces(Piece("kept" if s.is_kept else "added", s.after) for s in stretches),
    )


def _aligned(before: Sequence[str], after: Sequence[str]) -> list[_Stretch]:
    """Kept and changed stretches in order; the texts as words, or as characters."""
    return [
        _Stretch(
            op.tag == "equal",
            "".join(before[op.src_start : op.src_end]),
            "".join(after[op.dest_start : op.dest_end]),
        )
        for op in Levenshtein.opcodes(before, after)
    ]


def _joined(stretches: Sequence[_Stretch]) -> Iterator[_Stretch]:
    """Neighbouring changes, and the spaces between two of them, as one change."""

    def is_kept(number: int) -> bool:
        stretch = stretches[number]
        is_between = 0 < number < len(stretches) - 1
        return stretch.is_kept and not (is_between and stretch.before.isspace())

    for kept, numbers in groupby(range(len(stretches)), key=is_kept):
        run = [stretches[number] for number in numbers]
        yield _Stretch(kept, "".join(s.before for s in run), "".join(s.after for s in run))


def _refined(stretch: _Stretch) -> list[_Stretch]:
    before, after = stretch.before, stretch.after
    are_words = before.isalpha() and after.isalpha()
    if stretch.is_kept or not are_words or Indel.normalized_similarity(before, after) < _ALIKE:
        return [stretch]
    return _aligned(before, after)


def _joined_pieces(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Without empty ones, and neighbours with the same mark as one."""
    found = (piece for piece in pieces if piece.text)
    return tuple(
        Piece(mark, "".join(piece.text for piece in run))
        for mark, run in groupby(found, key=_mark_of)
    )


def _mark_of(piece: Piece) -> Mark:
    return piece.mark
