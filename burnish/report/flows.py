"""The flow from right or wrong at one attempt to right or wrong at the next, as geometry.

Each attempt is a column of two bars, right above wrong; bands between columns are the samples that
stayed or changed sides. Heights are shares of all samples, so that drawings can be compared. The
template draws it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from burnish.report.charts import NARROW
from burnish.report.wording import percent

Anchor: TypeAlias = Literal["start", "middle", "end"]

FLOW_HEIGHT = 258.0
_TOP, _GAP, _BOTTOM, _BAR = 34.0, 30.0, 22.0, 9.0
_GUTTER = 52.0
_LINE = 13.0
_HEAD_Y = 11.0
_INDENT = 7.0
_ABOVE_BAR = 5.0
_ASCENT = 11.0
_HALF_LINE = 4.0


@dataclass(frozen=True, slots=True)
class Moves:
    """Counts of samples from one attempt to the next.

    Attributes:
        kept: right both times.
        fixed: wrong, then right.
        broken: right, then wrong.
        missed: wrong both times.
    """

    kept: int
    fixed: int
    broken: int
    missed: int

    @property
    def total(self) -> int:
        """All samples."""
        return self.kept + self.fixed + self.broken + self.missed

    def by_kind(self) -> dict[str, int]:
        """Counts by name."""
        return {
            "kept": self.kept,
            "fixed": self.fixed,
            "broken": self.broken,
            "missed": self.missed,
        }

    @property
    def fixed_share(self) -> float:
        """Of all."""
        return self.fixed / self.total

    @property
    def broken_share(self) -> float:
        """Of all."""
        return self.broken / self.total


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text at a place."""

    x: float
    y: float
    anchor: Anchor
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The right or the wrong samples of one attempt, and its label, line by line."""

    is_right: bool
    x: float
    y: float
    width: float
    height: float
    labels: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """Samples that go the same way; its SVG path, and its label."""

    kind: str
    path: str
    label: Text


@dataclass(frozen=True, slots=True)
class FlowChart:
    """A drawing: its width, a head per attempt, bars, and bands in the order of painting."""

    width: float
    heads: tuple[Text, ...]
    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """Where one attempt stands: left edge, how many are right and wrong, units per sample.

    `side` is that of its labels: before the first column, above one in the middle, after the last.
    """

    x: float
    side: Literal["before", "above", "after"]
    num_right: int
    num_wrong: int
    scale: float

    @property
    def right_y(self) -> float:
        return _TOP

    @property
    def wrong_y(self) -> float:
        return _TOP + self.num_right * self.scale + _GAP


def draw_flow(transitions: Sequence[Moves]) -> FlowChart:
    """Lays out the transitions of one model, first to last: at least one, each of some samples."""
    width = NARROW * len(transitions)
    columns = _columns(transitions, width)
    bands = [
        band
        for moves, (left, right) in zip(transitions, pairwise(columns), strict=True)
        for band in _bands(moves, left, right)
    ]
    return FlowChart(
        width=width,
        heads=tuple(
            Text(column.x + _BAR / 2, _HEAD_Y, "middle", f"Attempt {number}")
            for number, column in enumerate(columns, start=1)
        ),
        bars=tuple(bar for column in columns for bar in _bars(column)),
        bands=tuple(bands),
    )


def _columns(transitions: Sequence[Moves], width: float) -> list[_Column]:
    first = transitions[0]
    sides = [(first.kept + first.broken, first.fixed + first.missed)]
    sides += [(moves.kept + moves.fixed, moves.broken + moves.missed) for moves in transitions]
    last = len(sides) - 1
    places: Mapping[int, Literal["before", "after"]] = {0: "before", last: "after"}
    room = FLOW_HEIGHT - _TOP - _GAP - _BOTTOM
    return [
        _Column(
            x=_GUTTER + number * (width - 2 * _GUTTER - _BAR) / last,
            side=places.get(number, "above"),
            num_right=right,
            num_wrong=wrong,
            scale=room / (right + wrong),
        )
        for number, (right, wrong) in enumerate(sides)
    ]


def _bars(column: _Column) -> list[Bar]:
    total = column.num_right + column.num_wrong
    sides = [
        (True, "right", column.num_right, column.right_y),
        (False, "wrong", column.num_wrong, column.wrong_y),
    ]
    found = []
    for is_right, name, num, y in sides:
        height = num * column.scale
        lines = (name, f"{num:,}", percent(num / total))
        labels = _bar_labels(column, lines, y, height)
        found.append(Bar(is_right, column.x, y, _BAR, height, labels))
    return found


def _bar_labels(
    column: _Column, lines: tuple[str, str, str], y: float, height: float
) -> tuple[Text, ...]:
    """Beside the middle of an outer bar, above one between bands."""
    if column.side == "above":
        name, num, share = lines
        text = f"{name} {num} \u00b7 {share}"
        return (Text(column.x + _BAR / 2, y - _ABOVE_BAR, "middle", text),)
    x = column.x - _INDENT if column.side == "before" else column.x + _BAR + _INDENT
    anchor: Anchor = "end" if column.side == "before" else "start"
    first = y + height / 2 + _HALF_LINE - _LINE
    return tuple(Text(x, first + i * _LINE, anchor, line) for i, line in enumerate(lines))


def _bands(moves: Moves, left: _Column, right: _Column) -> list[Band]:
    """Those that have samples, the ones that change sides last, so that they lie on top.

    Bands leave and arrive in the order that lets only these two cross. The ones that stay are
    labelled where they begin, the others where they arrive: there each has its own height.
    """
    places = [
        ("kept", moves.kept, left.right_y, right.right_y),
        (
            "missed",
            moves.missed,
            left.wrong_y + moves.fixed * left.scale,
            right.wrong_y + moves.broken * right.scale,
        ),
        ("broken", moves.broken, left.right_y + moves.kept * left.scale, right.wrong_y),
        ("fixed", moves.fixed, left.wrong_y, right.right_y + moves.kept * right.scale),
    ]
    found = []
    for kind, num, begin, end in places:
        if not num:
            continue
        x = (left.x + _BAR, right.x)
        heights = (num * left.scale, num * right.scale)
        text = f"{kind} {num:,} \u00b7 {percent(num / moves.total)}"
        label = (
            _label(x[0] + _INDENT, begin, heights[0], "start", text)
            if kind in ("kept", "missed")
            else _label(x[1] - _INDENT, end, heights[1], "end", text)
        )
        found.append(Band(kind, _path(x, (begin, end), heights), label))
    return found


def _label(x: float, y: float, height: float, anchor: Anchor, text: str) -> Text:
    """Halfway down a band, never above its upper edge."""
    return Text(x, max(y + height / 2 + _HALF_LINE, y + _ASCENT), anchor, text)


def _path(x: tuple[float, float], y: tuple[float, float], heights: tuple[float, float]) -> str:
    """From the left edge to the right one along two curves that start and end level."""
    middle = (x[0] + x[1]) / 2
    lower = (y[0] + heights[0], y[1] + heights[1])
    return (
        f"M{x[0]:.1f} {y[0]:.1f}C{middle:.1f} {y[0]:.1f} {middle:.1f} {y[1]:.1f} "
        f"{x[1]:.1f} {y[1]:.1f}V{lower[1]:.1f}C{middle:.1f} {lower[1]:.1f} "
        f"{middle:.1f} {lower[0]:.1f} {x[0]:.1f} {lower[0]:.1f}Z"
    )
