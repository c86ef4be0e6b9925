"""Gold reward against KL from the reference, one curve for each way to train, as SVG.

The horizontal axis goes by the square root of the KL, on which Gao et al. 2022 (arXiv:2210.10760)
found rewards to rise and fall regularly. Past the highest point of a curve, its policy is
over-optimised: what it is paid still rises there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from burnish.report.charts import axis_ticks
from burnish.report.figure_parts import Mark, drawn_curve, named_curve, text_at

Place: TypeAlias = Callable[[float], float]

_WIDTH, _HEIGHT = 760.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 232.0, 20.0, 46.0
_LINE = 18.0
_HUES = ("#2563c9", "#b7690a", "#0d7f76", "#7a4bc4", "#c02f62", "#3f7d20", "#9a6a4f", "#64707f")
_STYLE = (
    ".rewards text{font:12px system-ui,sans-serif;fill:#3b4450}"
    ".rewards .grid{stroke:#e3e6ea}"
    ".rewards .bar{stroke-width:1.2;opacity:.5}"
    ".rewards .curve{fill:none;stroke-width:2;stroke-linejoin:round}"
)


@dataclass(frozen=True, slots=True)
class RewardCurvePoint:
    """One policy of a training: its KL in nats an answer, its gold reward and the interval."""

    kl: float
    gold: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RewardCurve:
    """A training from its start on; `points` in the order of its steps, at least one."""

    title: str
    points: tuple[RewardCurvePoint, ...]


def reward_figure(curves: Sequence[RewardCurve]) -> str:
    """The drawing. Raises ValueError without curves."""
    points = [point for curve in curves for point in curve.points]
    if not points:
        raise ValueError("there is no curve to draw")
    ticks = axis_ticks(min(p.low for p in points), max(p.high for p in points))
    most = max(1.0, *(point.kl for point in points))

    def x_of(kl: float) -> float:
        return _LEFT + 12 + math.sqrt(max(kl, 0.0) / most) * (_WIDTH - _RIGHT - _LEFT - 24)

    def y_of(gold: float) -> float:
        height = _HEIGHT - _TOP - _BOTTOM
        return _HEIGHT - _BOTTOM - (gold - ticks[0]) / (ticks[-1] - ticks[0]) * height

    hues = [_HUES[place % len(_HUES)] for place in range(len(curves))]
    parts = [
        *(_level(y_of(tick), tick) for tick in ticks),
        *(text_at(x_of(kl), _HEIGHT - _BOTTOM + 18, f"{kl:g}") for kl in _round_kls(most)),
        text_at(
            (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "KL from the reference, nats an answer"
        ),
        *(_drawn(c, hue, x_of, y_of) for c, hue in zip(curves, hues, strict=True)),
        *(_named(c, hue, n) for n, (c, hue) in enumerate(zip(curves, hues, strict=True))),
    ]
    head = (
        '<svg class="rewards" role="img" xmlns="http://www.w3.org/2000/svg"'
        f' viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}"><title>{escape(_in_words(curves))}</title>'
        f'<style>{_STYLE}</style><rect width="{_WIDTH:g}" height="{_HEIGHT:g}" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>\n"])


def _round_kls(most: float) -> list[float]:
    """0, and 1, 2 and 5 times powers of ten that have room between each other."""
    numbers = [factor * 10.0**power for power in range(-1, 5) for factor in (1, 2, 5)]
    found = [0.0]
    for number in numbers:
        if number <= most and math.sqrt(number / most) - math.sqrt(found[-1] / most) > 0.08:
            found.append(number)
    return found


def _level(y: float, gold: float) -> str:
    line = f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"/>'
    return line + text_at(_LEFT - 8, y + 4, f"{gold:.3g}", anchor="end")


def _drawn(curve: RewardCurve, hue: str, x_of: Place, y_of: Place) -> str:
    marks = [
        Mark(x_of(p.kl), y_of(p.gold), y_of(p.low), y_of(p.high), _point_in_words(curve, p))
        for p in curve.points
    ]
    return drawn_curve(marks, hue, radius=3)


def _named(curve: RewardCurve, hue: str, place: int) -> str:
    best = max(curve.points, key=lambda point: point.gold)
    name = f"{curve.title} {curve.points[-1].gold:.3f} (best {best.gold:.3f})"
    return named_curve(_WIDTH - _RIGHT + 14, _TOP + 6 + place * _LINE, name, hue)


def _point_in_words(curve: RewardCurve, point: RewardCurvePoint) -> str:
    between = f"{point.low:.3f} to {point.high:.3f}"
    return f"{curve.title}, KL {point.kl:.2f}: {point.gold:.3f} ({between})"


def _in_words(curves: Sequence[RewardCurve]) -> str:
    """The drawing for those who cannot see it."""
    ends = (_point_in_words(curve, curve.points[-1]) for curve in curves)
    return f"Gold reward against KL from the reference. At the end: {'; '.join(ends)}."
