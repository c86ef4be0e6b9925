"""Plain data between a program and its judge: tagged JSON, checked piece by piece when read.

    None ["n"]   True ["b", true]   7 ["i", "0x7"]   0.5 ["f", "0x1.0p-1"]   1j ["c", re, im]
    "x" ["s", "x"]   [1] ["l", [...]]   (1,) ["t", [...]]   {1: 2} ["d", [[key, value], ...]]
    Fraction(1, 2) ["r", "Fraction", "0x1.0p-1"]

Hexadecimal keeps integers of any size and floats bit for bit. Only the exact builtin types are
told by their tag; anything else that offers `__float__` (sympy numbers, Fraction, Decimal, numpy
scalars, subclasses of int and float) becomes a `Real`: its float and the name of its type. Nothing
read here is ever evaluated or unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

MAX_DEPTH = 16
"""Deepest nesting of lists, tuples and dictionaries; a cycle ends here too."""


class Real(NamedTuple):
    """A number of a type that is not builtin: its value as a float and its type's name."""

    type_name: str
    value: float


Value: TypeAlias = "bool | int | float | complex | str | Real | Values | None"
Values: TypeAlias = "list[Value] | tuple[Value, ...] | dict[Value, Value]"
Tagged: TypeAlias = "list[object]"


class UnsupportedValueError(Exception):
    """The value is no plain data."""


class MalformedValueError(Exception):
    """The bytes are not what `encode` writes."""


def encode(value: object, depth: int = 0) -> Tagged:
    """Reduce a value to tagged data. Raises UnsupportedValueError."""
    if depth > MAX_DEPTH:
        raise UnsupportedValueError(f"nested deeper than {MAX_DEPTH}")
    kind = type(value)
    if kind in _ENCODE_SCALAR:
        return _ENCODE_SCALAR[kind](value)
    if isinstance(value, list | tuple) and kind in (list, tuple):
        return ["l" if kind is list else "t", [encode(item, depth + 1) for item in value]]
    if isinstance(value, dict) and kind is dict:
        return ["d", [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]]
    return _encode_real(value)


_ENCODE_SCALAR: dict[type, Callable[..., Tagged]] = {
    type(None): lambda value: ["n"],
    bool: lambda value: ["b", value],
    int: lambda value: ["i", hex(value)],
    float: lambda value: ["f", value.hex()],
    complex: lambda value: ["c", value.real.hex(), value.imag.hex()],
    str: lambda value: ["s", value],
}


def _encode_real(value: object) -> Tagged:
    name = type(value).__name__
    if not hasattr(type(value), "__float__"):  # foreign: any object; float() would parse bytes
        raise UnsupportedValueError(f"a value of type {name} is no plain data")
    try:
        return ["r", name, float(value).hex()]  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError) as error:
        raise UnsupportedValueError(f"a {name} that is no float: {error}") from error


def decode(tagged: object) -> Value:
    """Rebuild fresh builtins from tagged data. Raises MalformedValueError."""
    try:
        return _decode(tagged, 0)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise MalformedValueError(f"{type(error).__name__}: {error}") from error


def decode_bytes(data: bytes) -> dict[str, object]:
    """Parse the one JSON object that a program's process sends. Raises MalformedValueError."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedValueError("no JSON") from error
    if not isinstance(parsed, dict):
        raise MalformedValueError("no JSON object")
    return parsed


def _decode(tagged: object, depth: int) -> Value:
    if depth > MAX_DEPTH or not isinstance(tagged, list):
        raise TypeError("no tagged value")
    tag, *parts = tagged
    if tag == "n":
        () = parts
        return None
    if tag in ("l", "t"):
        (items,) = parts
        decoded = [_decode(item, depth + 1) for item in _list(items)]
        return decoded if tag == "l" else tuple(decoded)
    if tag == "d":
        (pairs,) = parts
        return dict(_pair(pair, depth + 1) for pair in _list(pairs))
    return _DECODE_SCALAR[tag](*parts)


def _pair(pair: object, depth: int) -> tuple[Value, Value]:
    key, value = _list(pair)
    return _decode(key, depth), _decode(value, depth)


def _list(items: object) -> list[object]:
    if not isinstance(items, list):
        raise TypeError("no list")
    return items


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("no string")
    return text


def _truth(flag: object) -> bool:
    if not isinstance(flag, bool):
        raise TypeError("no bool")
    return flag


def _float(text: object) -> float:
    return float.fromhex(_text(text))


_DECODE_SCALAR: dict[str, Callable[..., Value]] = {
    "b": _truth,
    "i": lambda text: int(_text(text), 16),
    "f": _float,
    "c": lambda real, imaginary: complex(_float(real), _float(imaginary)),
    "s": _text,
    "r": lambda name, number: Real(_text(name), _float(number)),
}
