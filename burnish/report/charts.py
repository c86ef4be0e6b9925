"""Line charts as geometry: numbers in, coordinates, ticks and labels out. The template draws them.

One chart shows one metric over the whole run. Each stage has a segment of the horizontal axis with
its own steps, because stages differ hundredfold in their number of steps; the vertical axis is
shared. Long curves are thinned, and noisy ones get a moving average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from burnish.report.wording import compact, percent

Point: TypeAlias = tuple[float, float]
"""Step and value, or x and y in drawing units."""

NARROW, WIDE, HEIGHT = 360.0, 736.0, 206.0
LEFT, RIGHT, TOP, BOTTOM = 42.0, 10.0, 30.0, 24.0
_GAP = 9.0
_LEAST_SHARE = 0.24
_MOST_POINTS = 240
_LEAST_ROOM_FOR_TWO = 90.0
_NOISY_FROM = 24


@dataclass(frozen=True, slots=True)
class Series:
    """One metric during one stage: (step, value) in order, and the stage's range of steps."""

    stage: str
    points: tuple[Point, ...]
    first_step: float
    last_step: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One stage's part of a chart, in drawing units.

    Attributes:
        stage: its name.
        left, right: horizontal extent.
        path: SVG path of the values.
        smooth_path: SVG path of their moving average; empty where there are few.
        dots: coordinates of the values where there are few enough to mark each.
        end: where the curve ends.
        end_label: its last value (of the moving average where there is one).
        end_label_y: height of that label, clear of the curve.
        ticks: x and text of the step labels.
        hover: per value x, y, step and text.
    """

    stage: str
    left: float
    right: float
    path: str
    smooth_path: str
    dots: tuple[Point, ...]
    end: Point
    end_label: str
    end_label_y: float
    ticks: tuple[tuple[float, str], ...]
    hover: tuple[tuple[float, float, int, str], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready to draw: its width, segments, and y with text of the horizontal grid lines."""

    width: float
    segments: tuple[Segment, ...]
    grid: tuple[tuple[float, str], ...]


def draw_chart(series: Sequence[Series], *, is_share: bool, width: float = NARROW) -> Chart:
    """Lays out one metric over the stages that have it.

    Args:
        series: at least one, each with at least one point.
        is_share: the values are shares of one, written in percent, on an axis from 0.
        width: of the whole drawing; text keeps its size, so a wide one needs a wide place.
    """
    values = [value for s in series for _, value in s.points]
    write = percent if is_share else compact
    ticks = axis_ticks(min(values), max(values), at_most_one=is_share)
    low, high = ticks[0], ticks[-1]

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    extents = _extents([s.last_step - s.first_step + 1 for s in series], width)
    segments = [_segment(s, e, y_of, write) for s, e in zip(series, extents, strict=True)]
    grid = tuple((y_of(t), f"{100 * t:.3g}%" if is_share else compact(t)) for t in ticks)
    return Chart(width, tuple(segments), grid)


def axis_ticks(low: float, high: float, *, at_most_one: bool = False) -> list[float]:
    """Three to six round numbers that enclose the values; from 0 where they are not far from it."""
    if 0 <= low < 0.7 * high or at_most_one:
        low = min(low, 0.0)
    elif 0.7 * low < high <= 0:
        high = 0.0
    if high - low < 1e-12 * max(abs(high), abs(low)) or high == low:
        margin = abs(high) / 2 or (0.01 if at_most_one else 1.0)
        low, high = (low if low == 0 else low - margin), high + margin
    raw = (high - low) / 3
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [i * step for i in range(first, last + 1)]
    if at_most_one and high <= 1.0:
        ticks = [t for t in ticks if t <= 1.0 + 1e-9]
        ticks += [1.0] if ticks[-1] < high - 1e-9 else []
    return ticks


def moving_average(points: Sequence[Point], *, half_window: int) -> list[Point]:
    """Mean of the values from `half_window` before to `half_window` after, fewer at the ends."""
    values = [value for _, value in points]
    windows = (values[max(0, i - half_window) : i + half_window + 1] for i in range(len(values)))
    return [
        (step, sum(window) / len(window)) for (step, _), window in zip(points, windows, strict=True)
    ]


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` points: means of equal runs of neighbours, at the last step of each run."""
    size = math.ceil(len(points) / most)
    runs = [points[i : i + size] for i in range(0, len(points), size)]
    return [(run[-1][0], sum(value for _, value in run) / len(run)) for run in runs]


def _extents(num_steps: Sequence[float], width: float) -> list[tuple[float, float]]:
    """Left and right of each segment: wider for more steps, but none too narrow to read."""
    room = width - LEFT - RIGHT - _GAP * (len(num_steps) - 1)
    shares = [max(n / sum(num_steps), _LEAST_SHARE) for n in num_steps]
    extents, left = [], LEFT
    for share in shares:
        right = left + room * share / sum(shares)
        extents.append((left, right))
        left = right + _GAP
    return extents


def _segment(
    series: Series,
    extent: tuple[float, float],
    y_of: Callable[[float], float],
    write: Callable[[float], str],
) -> Segment:
    left, right = extent
    span = (series.last_step - series.first_step) or 1.0

    def place(point: Point) -> Point:
        return left + (point[0] - series.first_step) / span * (right - left), y_of(point[1])

    points = thinned(series.points, _MOST_POINTS)
    placed = [place(p) for p in points]
    is_noisy = len(points) >= _NOISY_FROM
    smooth = moving_average(points, half_window=len(points) // 12) if is_noisy else []
    step, value = (smooth or points)[-1]
    end = place((step, value))
    return Segment(
        stage=series.stage,
        left=left,
        right=right,
        path=_path(placed),
        smooth_path=_path([place(p) for p in smooth]),
        dots=() if is_noisy else tuple(placed),
        end=end,
        end_label=write(value),
        end_label_y=_label_height(end, placed),
        ticks=_step_ticks(series, left, right),
        hover=tuple((*at, int(p[0]), write(p[1])) for at, p in zip(placed, points, strict=True)),
    )


def _label_height(end: Point, placed: Sequence[Point]) -> float:
    """Above the end of the curve, or below where the curve comes down from above."""
    near = [y for x, y in placed if end[0] - 46 <= x <= end[0]] or [end[1]]
    above, below = min(near) - 8, max(near) + 15
    if above < TOP + 4 and below < HEIGHT - BOTTOM - 2:
        return below
    return max(above, TOP + 4)


def _step_ticks(series: Series, left: float, right: float) -> tuple[tuple[float, str], ...]:
    """The first step, where there is room for it beside the last."""
    first, last = f"{series.first_step:.0f}", f"{series.last_step:.0f}"
    if first == last or right - left < _LEAST_ROOM_FOR_TWO:
        return ((right, last),)
    return ((left, first), (right, last))


def _path(points: Sequence[Point]) -> str:
    return "".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
