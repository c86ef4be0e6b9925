"""Keys and values of token sequences that were computed before, found again by their tokens.

A search asks again and again for what follows a path of its tree, and a second attempt follows the
first: their prompts begin with what was sampled. Known beginnings are a tree of segments; sequences
part where their tokens do:

    <bos> Question: ... |- 12 + 7 = 19. -|- 19 * 2 = 38.
                        |                |- 19 + 2 = 21.
                        |- 12 * 7 = 84.

They hold for one state of the weights: who changes these must `clear`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(slots=True, eq=False)
class _Segment:
    """Some tokens of a sequence, with their `[layer, 2, head, token, channel]` keys and values."""

    token_ids: tuple[int, ...]
    kept: Tensor
    parent: _Segment | None
    children: dict[int, _Segment] = field(default_factory=dict)

    @property
    def num_bytes(self) -> int:
        return self.kept.numel() * self.kept.element_size()


class PrefixStore:
    """Remembers sequences up to a number of bytes; what was not used for longest goes first.

    Attributes:
        max_bytes: of keys and values; 0 remembers nothing.
        num_bytes: held now.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._roots: dict[int, _Segment] = {}
        # Oldest first. A segment is used with all that it continues, and stands before these.
        self._by_use: OrderedDict[_Segment, None] = OrderedDict()
        self.num_bytes = 0

    def known(self, token_ids: Sequence[int]) -> list[Tensor]:
        """Keys and values of the longest known beginning, piece by piece in order."""
        path, size = self._walk(token_ids)
        self._touch(path)
        pieces = [segment.kept for segment in path]
        surplus = sum(len(segment.token_ids) for segment in path) - size
        if surplus:
            pieces[-1] = pieces[-1][:, :, :, :-surplus]
        return pieces

    def remember(self, token_ids: Sequence[int], rest: Callable[[int], Tensor]) -> None:
        """Keep a sequence.

        Args:
            token_ids: of the sequence.
            rest: its `[layer, 2, head, token, channel]` keys and values from the token of this
                number on, as a tensor of its own; asked for unless all are known.
        """
        if not self.max_bytes:
            return
        path, size = self._walk(token_ids)
        surplus = sum(len(segment.token_ids) for segment in path) - size
        if size < len(token_ids):
            if surplus:
                path[-1] = self._split(path[-1], len(path[-1].token_ids) - surplus)
            path.append(self._added(path[-1] if path else None, token_ids[size:], rest(size)))
        self._touch(path)
        while self.num_bytes > self.max_bytes:
            self._drop(next(iter(self._by_use)))

    def clear(self) -> None:
        """Forget everything."""
        self._roots.clear()
        self._by_use.clear()
        self.num_bytes = 0

    def _walk(self, token_ids: Sequence[int]) -> tuple[list[_Segment], int]:
        """The segments that a sequence begins with, the last perhaps in part, and their tokens."""
        token_ids = tuple(token_ids)
        path: list[_Segment] = []
        size, children = 0, self._roots
        while size < len(token_ids):
            segment = children.get(token_ids[size])
            if segment is None:
                break
            common = _common(segment.token_ids, token_ids[size : size + len(segment.token_ids)])
            path.append(segment)
            size, children = size + common, segment.children
            if common < len(segment.token_ids):
                break
        return path, size

    def _added(self, parent: _Segment | None, token_ids: Sequence[int], kept: Tensor) -> _Segment:
        segment = _Segment(tuple(token_ids), kept, parent)
        siblings = self._roots if parent is None else parent.children
        siblings[segment.token_ids[0]] = segment
        self._by_use[segment] = None
        self.num_bytes += segment.num_bytes
        return segment

    def _split(self, segment: _Segment, size: int) -> _Segment:
        """Cut a segment in two, each with a storage of its own; returns the first."""
        kept, token_ids = segment.kept, segment.token_ids
        self.num_bytes -= segment.num_bytes
        first = self._added(segment.parent, token_ids[:size], kept[:, :, :, :size].clone())
        segment.token_ids, segment.kept = token_ids[size:], kept[:, :, :, size:].clone()
        segment.parent = first
        first.children[segment.token_ids[0]] = segment
        self.num_bytes += segment.num_bytes
        return first

    def _touch(self, path: Sequence[_Segment]) -> None:
        for segment in reversed(path):
            self._by_use.move_to_end(segment)

    def _drop(self, segment: _Segment) -> None:
        assert not segment.children, "what continues a segment is dropped before it"
        siblings = self._roots if segment.parent is None else segment.parent.children
        del siblings[segment.token_ids[0]]
        del self._by_use[segment]
        self.num_bytes -= segment.num_bytes


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences begin with in common."""
    if first == second:
        return len(first)
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
