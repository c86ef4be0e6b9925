"""JSON by the standard, and nothing that means two things or would fail later.

`json.loads` takes NaN, lets the second of two equal keys win, reads 1e999 as infinity, and nests
as deep as the stack goes. Here each of them is a ValueError with a sentence in it.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from burnish.types import Json

MOST_LEVELS = 100
"""Of lists and objects in each other."""
_MOST_DIGITS = 300
"""Of an integer; past them it is no float either."""
_SURROGATE_ESCAPE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def parse_json(text: str) -> Json:
    """What a JSON text says. Raises ValueError."""
    try:
        found = json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_countable,
            object_pairs_hook=_object,
        )
    except RecursionError as error:
        raise ValueError(f"nested too deeply, past {MOST_LEVELS} levels") from error
    if text.count("[") + text.count("{") > MOST_LEVELS:
        require_shallow(found)
    if _SURROGATE_ESCAPE.search(text):
        _require_characters(found)
    return found


def require_shallow(value: Json) -> None:
    """Raise ValueError for more than 100 levels, which what reads it later may not survive."""
    level: list[Json] = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(f"nested too deeply, past {MOST_LEVELS} levels")


def _inside(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits:.40} is not a finite number")
    return value


def _countable(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits; at most {_MOST_DIGITS} are read")
    return int(digits)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r:.60} stands twice in one object; keep one of them")
    return found


def _require_characters(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            "holds half of a surrogate pair (\\ud800 to \\udfff), which is no character"
        ) from error
