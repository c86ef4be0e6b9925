"""Numbers and units of science text: LaTeX units as plain text, powers of ten as exponents."""

from __future__ import annotations

import re

_POWER = re.compile(
    r"(?:\\(?:mathrm|text)\s*)?\{?\s*10\s*\^\s*(?:\{\s*([-+]?\d+)\s*\}|([-+]?\d+))\s*\}?"
)
_FONT = re.compile(r"\\(?:mathrm|text|textrm|mathbf|rm)\s*\{([^{}]*)\}")
_DEGREES = re.compile(r"\^?\s*\{?\s*\\circ\s*\}?")
_EXPONENT = re.compile(r"\s*\^\s*(?:\{\s*([-+]?\d+)\s*\}|([-+]?\d+))")
_PREFIX = re.compile("([\u00b0\u00b5]) (?=[A-Za-z])")
_HAT = re.compile(r"\\hat\s*\{[^{}]*\}")
_SYMBOLS = (
    (r"\cdot", "\u00b7"),
    (r"\mu", "\u00b5"),
    (r"\Omega", "\u03a9"),
    (r"\alpha", "\u03b1"),
    (r"\%", "%"),
    (r"\$", "$"),
    (r"\,", " "),
    ("~", " "),
)
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
_DOLLARS = "dollars"


def gold_quantity(number: str, unit: str) -> tuple[str, str]:
    """A data set's number and its unit as (number with the unit's power of ten, plain unit).

    ("3.52", "$10^{-19} \\\\mathrm{~J}$") is ("3.52e-19", "J"); ("+65.49", "$\\\\mathrm{kJ}
    \\\\mathrm{mol}^{-1}$") is ("65.49", "kJ mol^-1"). The unit is empty where there is none.
    """
    plain = number.translate(_MINUS).replace(",", "").strip().removeprefix("+")
    power = _POWER.search(unit)
    if power is None:
        return plain, plain_unit(unit)
    exponent = int(power[1] or power[2])
    return f"{plain}e{exponent}", plain_unit(unit[: power.start()] + " " + unit[power.end() :])


def plain_unit(latex: str) -> str:
    """A unit in LaTeX as text: "$\\\\mathrm{~J} \\\\mathrm{~K}^{-1}$" is "J K^-1"."""
    if latex.strip() in {"$", r"$\$$"}:
        return _DOLLARS
    text = _HAT.sub("", _FONT.sub(r" \1 ", _DEGREES.sub("\u00b0", latex)))
    for symbol, plain in _SYMBOLS:
        text = text.replace(symbol, plain)
    text = _EXPONENT.sub(r"^\1\2", text)
    for letter in "{}$;":
        text = text.replace(letter, " ")
    text = re.sub(r"\s+(?=\^)", "", " ".join(text.split()))
    return _PREFIX.sub(r"\1", text)
