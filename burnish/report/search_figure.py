"""Accuracy against tokens a question, one curve for each search, as SVG: a file, or on the page.

The horizontal axis is logarithmic, so that doublings are equally far apart; a search stands where
it really is, at the tokens that it spent, with the interval of its accuracy as a bar. Colours are
those of the page where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from burnish.report.charts import axis_ticks
from burnish.report.figure_parts import Mark, drawn_curve, named_curve, text_at
from burnish.report.wording import percent

_WIDTH, _HEIGHT = 800.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 272.0, 20.0, 46.0
_LINE = 16.0
"""Between two names in the legend."""
_COLOURS: Mapping[str, str] = {
    "mcts": "var(--blue, #2563c9)",
    "beam": "var(--amber, #b7690a)",
    "dfs": "var(--teal, #0d7f76)",
    "bon": "var(--violet, #7a4bc4)",
    "vote": "var(--rose, #c02f62)",
    "orm": "var(--green, #3f7d20)",
    "weighted_vote": "#9a6a4f",
}
_OTHER_COLOUR = "var(--slate, #64707f)"
_STYLE = (
    ".searches text{font:12px system-ui,sans-serif;fill:var(--soft,#3b4450)}"
    ".searches .back{fill:var(--card,#fff)}"
    ".searches .grid{stroke:var(--line,#e3e6ea)}"
    ".searches .bar{stroke-width:1.2;opacity:.55}"
    ".searches .curve{fill:none;stroke-width:2;stroke-linejoin:round}"
)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One budget of a search: tokens a question, and accuracy with its interval."""

    tokens: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SearchCurve:
    """A search at its budgets, in rising order of tokens.

    Attributes:
        title: its name in the legend.
        method: its name in `burnish search`, which gives it its colour.
        points: at least one.
    """

    title: str
    method: str
    points: tuple[CurvePoint, ...]


def search_figure(curves: Sequence[SearchCurve]) -> str:
    """The drawing. Raises ValueError without curves."""
    points = [point for curve in curves for point in curve.points]
    if not points:
        raise ValueError("there is no search to draw")
    shares = axis_ticks(min(p.low for p in points), max(p.high for p in points), at_most_one=True)
    x_of = _log_scale([point.tokens for point in points])

    def y_of(share: float) -> float:
        height = _HEIGHT - _TOP - _BOTTOM
        return _HEIGHT - _BOTTOM - (share - shares[0]) / (shares[-1] - shares[0]) * height

    ranked = sorted(curves, key=lambda curve: -curve.points[-1].accuracy)
    parts = [
        *(_share_line(y_of(share), share) for share in shares),
        *(_token_tick(x_of(n), n) for n in _round_numbers(points)),
        text_at((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "tokens a question"),
        *(_drawn(curve, x_of, y_of) for curve in reversed(ranked)),
        *(_named(curve, _TOP + 6 + place * _LINE) for place, curve in enumerate(ranked)),
    ]
    head = (
        '<svg class="searches" role="img" xmlns="http://www.w3.org/2000/svg"'
        f' viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}">'
        f"<title>{escape(_in_words(ranked))}</title><style>{_STYLE}</style>"
        f'<rect class="back" width="{_WIDTH:g}" height="{_HEIGHT:g}"/>'
    )
    return "\n".join([head, *parts, "</svg>\n"])


def _log_scale(tokens: Sequence[float]) -> Callable[[float], float]:
    """Where a number of tokens stands; a single one in the middle."""
    first, last = math.log(max(min(tokens), 1.0)), math.log(max(*tokens, 1.0))
    left, right = _LEFT + 14, _WIDTH - _RIGHT - 14

    def x_of(number: float) -> float:
        if last == first:
            return (left + right) / 2
        return left + (math.log(max(number, 1.0)) - first) / (last - first) * (right - left)

    return x_of


def _round_numbers(points: Sequence[CurvePoint]) -> list[int]:
    """1, 2 and 5 times powers of ten within the range of tokens; its ends where there are none."""
    low, high = min(p.tokens for p in points), max(p.tokens for p in points)
    powers = range(math.floor(math.log10(max(low, 1))), math.ceil(math.log10(max(high, 1))) + 1)
    numbers = [factor * 10**power for power in powers for factor in (1, 2, 5)]
    return [n for n in numbers if low <= n <= high] or sorted({round(low), round(high)})


def _share_line(y: float, share: float) -> str:
    line = f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"/>'
    return line + text_at(_LEFT - 8, y + 4, f"{100 * share:.3g}%", anchor="end")


def _token_tick(x: float, number: int) -> str:
    return text_at(x, _HEIGHT - _BOTTOM + 18, f"{number:,}")


def _drawn(
    curve: SearchCurve, x_of: Callable[[float], float], y_of: Callable[[float], float]
) -> str:
    marks = [
        Mark(x_of(p.tokens), y_of(p.accuracy), y_of(p.low), y_of(p.high), _point_in_words(curve, p))
        for p in curve.points
    ]
    return drawn_curve(marks, _colour(curve), radius=3.2)


def _named(curve: SearchCurve, y: float) -> str:
    name = f"{curve.title} {percent(curve.points[-1].accuracy)}"
    return named_curve(_WIDTH - _RIGHT + 14, y, name, _colour(curve))


def _colour(curve: SearchCurve) -> str:
    return _COLOURS.get(curve.method, _OTHER_COLOUR)


def _point_in_words(curve: SearchCurve, point: CurvePoint) -> str:
    between = f"{percent(point.low)} to {percent(point.high)}"
    return f"{curve.title}, {point.tokens:,.0f} tokens: {percent(point.accuracy)} ({between})"


def _in_words(curves: Sequence[SearchCurve]) -> str:
    """The drawing for those who cannot see it."""
    points = (_point_in_words(curve, curve.points[-1]) for curve in curves)
    return f"Accuracy against tokens a question. {'; '.join(points)}."
