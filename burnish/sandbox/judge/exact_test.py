"""Data cross exactly; what is hostile in them stops at the door."""

from __future__ import annotations

import json
import math
import time
from array import array
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest

from burnish.sandbox.judge.exact import (
    MAX_DEPTH,
    MalformedError,
    NotPlainError,
    decode,
    drain,
    encode,
    loads,
)

Point = namedtuple("Point", "x y")


class Colour(IntEnum):
    RED = 3


class Liar(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __int__(self) -> int:
        return 5

    def __index__(self) -> int:
        return 5


class LyingText(str):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        return "right"


def sent(value: object) -> object:
    return decode(loads(json.dumps(encode(value))))


# The values name the tests, so no set of texts is here: its order is another in every process,
# and two workers would not agree on what they collected.
@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 0, -7, 2**53, -(2**53), 2**4000, 0.1, -0.0, math.inf, 1j),
        *("", "x\ud800\n'\"", b"\x00\xff", bytearray(b"ab"), [], [1, [2.5, ["a"]]], (), (1, (2,))),
        *({}, {1: "a", "1": [2], (1, 2): None}, set(), {1, 2.5}, frozenset({(1,)}), deque([1, 2])),
        *(Decimal("1.20"), Decimal("NaN"), Fraction(1, 3), date(2020, 2, 29), timedelta(days=-1)),
        *(datetime(2020, 1, 2, 3, 4, 5, 6), range(2, 20, 3), ..., int, type(None), dict),
        array("i", [1, -2]),
    ],
    ids=repr,
)
def test_builtin_values_arrive_as_they_are(value):
    arrived = sent(value)
    assert type(arrived) is type(value)
    assert repr(arrived) == repr(value)


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Point(1, 2), (1, 2)),
        (Colour.RED, 3),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Liar(4), 4),
        (LyingText("wrong"), "wrong"),
    ],
)
def test_a_subclass_is_reduced_to_the_value_of_its_base(value, base):
    arrived = sent(value)
    assert type(arrived) is type(base)
    assert arrived == base


def test_views_of_dictionaries_stay_views():
    table = {1: "a", 2: "b"}
    assert sent(table.keys()) == {1, 2}
    assert sent(table.items()) == {(1, "a"), (2, "b")}
    values = sent(table.values())
    assert list(values) == ["a", "b"]  # pyright: ignore[reportArgumentType]
    assert values != ["a", "b"]


def test_nan_is_not_equal_to_itself_after_the_journey():
    arrived = sent(math.nan)
    assert arrived != arrived


@pytest.mark.parametrize("value", [object(), len, lambda: 0, Point, (n for n in [1]), open])
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(NotPlainError):
        encode(value)


def test_an_iterator_can_be_drained_and_stays_an_iterator():
    arrived = decode(encode(((n, iter("ab")) for n in [1]), drain))
    assert arrived != [1]
    ((number, letters),) = arrived  # pyright: ignore[reportGeneralTypeIssues]
    assert (number, list(letters)) == (1, ["a", "b"])


def test_an_endless_iterator_is_refused():
    def endless():
        while True:
            yield 0

    with pytest.raises(NotPlainError, match="more than"):
        encode(endless(), drain)


def test_a_cycle_and_deep_nesting_are_refused_on_both_sides():
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(NotPlainError, match="deeper"):
        encode(cycle)
    deep: list[object] = ["l"]
    for _ in range(MAX_DEPTH + 1):
        deep = ["l", deep]
    with pytest.raises(MalformedError, match="deeper"):
        decode(deep)


@pytest.mark.parametrize(
    "tagged",
    [
        {},
        [],
        ["unknown", 1],
        ["i", 5],
        ["i", "5 + 5"],
        ["c", "1", "2"],
        ["d", [1]],
        ["d", [["l"], 1]],
        ["s", ["l", 1]],
        ["b", "xyz"],
        ["D", "x"],
        ["D", "1E+999999999"],
        ["F", 1, 0],
        ["F", 1.5, 1],
        ["range", 0, 10**12, 1],
        ["type", "open"],
        ["type", "__import__"],
        ["array", "u", "ffffffff"],
        ["timedelta", 1.5],
        ["items", 1],
        ["h", 0, "x"],
        [["l"]],
    ],
    ids=str,
)
def test_what_encode_never_writes_is_malformed(tagged):
    with pytest.raises(MalformedError):
        decode(tagged)


@pytest.mark.parametrize("container", ["s", "fs", "keys", "d"])
def test_keys_that_were_made_to_share_their_hashes_are_refused_at_once(container):
    keys = [["i", hex(n * (2**61 - 1))] for n in range(1, 20_000)]
    parts = [[key, 0] for key in keys] if container == "d" else keys
    start = time.process_time()
    with pytest.raises(MalformedError, match="same hash"):
        decode([container, *parts])
    assert time.process_time() - start < 2.0  # without the check: minutes


def test_many_equal_keys_are_no_attack():
    assert decode(["s", *[1] * 1000]) == {1}


@pytest.mark.parametrize("line", ["", "{", "[1", "1 2", "[" * 100_000])
def test_what_is_no_json_is_malformed(line):
    with pytest.raises(MalformedError):
        loads(line)


def test_numbers_of_sympy_become_the_builtins_they_equal():
    sympy = pytest.importorskip("sympy")
    assert sent([sympy.Integer(4), sympy.Float(0.5)]) == [4, 0.5]
    with pytest.raises(NotPlainError):
        encode(sympy.Symbol("x"))
