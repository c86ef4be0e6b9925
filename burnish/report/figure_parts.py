"""What figures of curves have in common: a curve with its intervals, and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a curve where it is drawn: its place, its interval's ends, what it says."""

    x: float
    y: float
    y_low: float
    y_high: float
    words: str


def drawn_curve(marks: Sequence[Mark], colour: str, *, radius: float) -> str:
    """Its intervals, its line and its points, each of which says what it is when pointed at."""
    bars = "".join(f"M{mark.x:.1f} {mark.y_low:.1f}V{mark.y_high:.1f}" for mark in marks)
    line = "".join(f"{'L' if n else 'M'}{mark.x:.1f} {mark.y:.1f}" for n, mark in enumerate(marks))
    dots = "".join(
        f'<circle cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{radius:g}" style="fill:{colour}">'
        f"<title>{escape(mark.words)}</title></circle>"
        for mark in marks
    )
    return (
        f'<path class="bar" style="stroke:{colour}" d="{bars}"/>'
        f'<path class="curve" style="stroke:{colour}" d="{line}"/>{dots}'
    )


def named_curve(x: float, y: float, name: str, colour: str) -> str:
    """A line of the legend."""
    dot = f'<circle cx="{x:g}" cy="{y - 4:g}" r="4" style="fill:{colour}"/>'
    return dot + text_at(x + 10, y, name, anchor="start")


def text_at(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    """A word or number."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
