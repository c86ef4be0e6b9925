"""Reading numbers off text: a float, or nothing where the text holds none or several."""

from __future__ import annotations

import math
import re

_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r" \1/\2 "),
    (re.compile(r"\\(?:text|mathrm|textbf|mathbf)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\boxed\s*\{([^{}]*)\}"), r" \1 "),
    (
        re.compile(r"(?<=\d)\s*(?:\\times|\\cdot|\xd7|\*)\s*10\s*\^\s*\{?\s*([-+]?\d+)\s*\}?"),
        r"e\1",
    ),
    (re.compile(r"(?<=\d)\{,\}(?=\d)"), ","),
    (re.compile(r"\\[!,;: ]"), ""),
    (re.compile(r"\\([$%€£])"), r"\1"),
)
_MINUS = str.maketrans({"−": "-", "–": "-", "﹣": "-", "－": "-"})  # noqa: RUF001
_LEADING_MINUS = re.compile(r"^[\s$(]*-\s+(?=[\d.$€£])")
_CURRENCY = r"[$€£]?"
_PLAIN = r"(?:\d{1,3}(?:,\d{3})+(?![\d,]*\d)|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"(?<![\w.])(?P<sign>[-+]?){_CURRENCY}(?P<sign_after>[-+]?)"
    rf"(?:(?P<whole>\d+)[ ]+(?P<part>\d+)[ ]*/[ ]*(?P<parts>\d+)"
    rf"|(?P<above>{_PLAIN})[ ]*/[ ]*(?P<below>{_PLAIN})"
    rf"|(?P<plain>{_PLAIN})(?P<exponent>[eE][-+]?\d+)?)",
    re.ASCII,
)
_LITERAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


def number_in(text: str) -> float | None:
    """The one number in a text: "$1,000", "50%" (50), "12 apples", "1 1/2", "-3/4", "1e-3".

    None where there is no number, more than one ("3-4", "2:1", "1, 2"), digits that are part of
    a word ("x2") or a division by zero. LaTeX's \\frac, \\boxed, \\text and spaces are understood.
    """
    text = _LEADING_MINUS.sub("-", _without_latex(text).translate(_MINUS))
    found = list(_NUMBER.finditer(text))
    if len(found) != 1:
        return None
    rest = text[: found[0].start()] + text[found[0].end() :]
    if any(character.isnumeric() for character in rest):
        return None
    return _finite(_magnitude(found[0]), negative="-" in found[0]["sign"] + found[0]["sign_after"])


def number_from_literal(text: str) -> float | None:
    """A text that is a decimal number and nothing else, as `float` reads it; no inf, no nan."""
    text = text.strip()
    return _finite(float(text), negative=False) if _LITERAL.fullmatch(text) else None


def canonical(number: float) -> str:
    """A text that is the same for equal numbers: "203", "0.3" also for 0.1 + 0.2, "1e+20"."""
    if number == int(number) and abs(number) < 2**53:
        return str(int(number))
    return format(number, ".12g")


def _without_latex(text: str) -> str:
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return text


def _magnitude(found: re.Match[str]) -> float:
    if found["plain"]:
        return _plain(found["plain"] + (found["exponent"] or ""))
    if found["whole"]:
        return _plain(found["whole"]) + _ratio(found["part"], found["parts"])
    return _ratio(found["above"], found["below"])


def _ratio(above: str, below: str) -> float:
    divisor = _plain(below)
    return _plain(above) / divisor if divisor else math.nan


def _plain(text: str) -> float:
    return float(text.replace(",", ""))


def _finite(number: float, *, negative: bool) -> float | None:
    if not math.isfinite(number):
        return None
    return -number if negative else number
