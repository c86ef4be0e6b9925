"""Accuracy against the number of samples, one curve for each way to spend them, as geometry.

The horizontal axis is logarithmic, so that doublings are equally far apart; each curve has a band
from the lower to the upper ends of its intervals. The template draws them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from burnish.report.charts import BOTTOM, HEIGHT, LEFT, NARROW, RIGHT, TOP, Point
from burnish.report.wording import percent

Share: TypeAlias = tuple[float, float, float]
"""Lower end, value and upper end."""

_INSET = 14.0
"""Between the frame and the first and last points."""
_ROOM_FOR_TICK = 22.0
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.25)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to spend samples: its name, its colour, and its accuracy at each budget."""

    title: str
    hue: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class ScalingCurve:
    """One way in drawing units.

    Attributes:
        title, hue: of the way.
        path: SVG path of the values.
        band: SVG path around the intervals.
        dots: where the values are.
        end_label, end_label_y: the last value, above the higher curve's end and below the other's.
        hover: per value x, y, budget and text.
    """

    title: str
    hue: str
    path: str
    band: str
    dots: tuple[Point, ...]
    end_label: str
    end_label_y: float
    hover: tuple[tuple[float, float, int, str], ...]


@dataclass(frozen=True, slots=True)
class ScalingChart:
    """A chart ready to draw.

    Attributes:
        width: of the drawing.
        curves: one for each way.
        grid: y and text of the horizontal lines.
        ticks: x and text of the budgets that have room for it.
        single_y: height of the accuracy of one attempt, or None.
    """

    width: float
    curves: tuple[ScalingCurve, ...]
    grid: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]
    single_y: float | None


def draw_scaling(
    budgets: Sequence[int], ways: Sequence[Way], *, single: float | None, width: float = NARROW
) -> ScalingChart:
    """Lays out the ways, each with a share for every budget; `single`: accuracy of one attempt."""
    ends = [end for way in ways for share in way.shares for end in share]
    ends += [] if single is None else [single]
    ticks = _share_ticks(min(ends), max(ends))
    low, high = ticks[0], ticks[-1]

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    xs = _places(budgets, width)
    last = [way.shares[-1][1] for way in ways]
    curves = [
        _curve(way, budgets, xs, y_of, is_highest=way.shares[-1][1] == max(last)) for way in ways
    ]
    return ScalingChart(
        width=width,
        curves=tuple(curves),
        grid=tuple((y_of(tick), f"{100 * tick:.3g}%") for tick in ticks),
        ticks=_tick_labels(budgets, xs),
        single_y=None if single is None else y_of(single),
    )


def _share_ticks(low: float, high: float) -> list[float]:
    """Two to six round shares around the values. Curves are compared, so 0 need not be seen."""
    step = next((step for step in _STEPS if high - low <= 4 * step), _STEPS[-1])
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [number * step for number in range(first, last + 1)]


def _places(budgets: Sequence[int], width: float) -> list[float]:
    """Where each budget stands; a single one in the middle."""
    left, right = LEFT + _INSET, width - RIGHT - _INSET
    first, span = math.log(budgets[0]), math.log(budgets[-1] / budgets[0])
    if span == 0:
        return [(left + right) / 2 for _ in budgets]
    return [left + (math.log(k) - first) / span * (right - left) for k in budgets]


def _tick_labels(budgets: Sequence[int], xs: Sequence[float]) -> tuple[tuple[float, str], ...]:
    """Every budget, from the largest down, that is clear of the one to its right."""
    labels: list[tuple[float, str]] = []
    for k, x in reversed(list(zip(budgets, xs, strict=True))):
        if not labels or labels[-1][0] - x >= _ROOM_FOR_TICK:
            labels.append((x, str(k)))
    return tuple(reversed(labels))


def _curve(
    way: Way,
    budgets: Sequence[int],
    xs: Sequence[float],
    y_of: Callable[[float], float],
    *,
    is_highest: bool,
) -> ScalingCurve:
    lows, values, highs = zip(*way.shares, strict=True)
    dots = [(x, y_of(value)) for x, value in zip(xs, values, strict=True)]
    upper = [(x, y_of(value)) for x, value in zip(xs, highs, strict=True)]
    lower = [(x, y_of(value)) for x, value in zip(xs, lows, strict=True)]
    end = dots[-1][1]
    return ScalingCurve(
        title=way.title,
        hue=way.hue,
        path=_path(dots),
        band=f"{_path([*upper, *reversed(lower)])}Z",
        dots=tuple(dots),
        end_label=percent(values[-1]),
        end_label_y=end - 9 if is_highest else end + 17,
        hover=tuple(
            (*dot, k, percent(value)) for dot, k, value in zip(dots, budgets, values, strict=True)
        ),
    )


def _path(points: Sequence[Point]) -> str:
    return "".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
