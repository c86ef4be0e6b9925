"""Plain data survives the way out of the sandbox, and nothing else does."""

import json
import math
from decimal import Decimal
from fractions import Fraction

import pytest

from burnish.sandbox.values import (
    MAX_DEPTH,
    MalformedValueError,
    Real,
    UnsupportedValueError,
    decode,
    decode_bytes,
    encode,
)


def through_json(value):
    return decode(json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -7,
        10**500,
        0.1,
        -0.0,
        5e-324,
        math.inf,
        1.5 - 2.5j,
        "",
        "naïve\ud800\n",
        [1, [2.0, ()]],
        (1,),
        {(1, "a"): [None], 2: {}},
    ],
)
def test_plain_data_comes_back_equal_and_of_the_same_type(value):
    decoded = through_json(value)
    assert decoded == value
    assert (
        repr(decoded) == repr(value) if not isinstance(value, int) else type(decoded) is type(value)
    )


def test_an_integer_may_have_more_digits_than_python_prints():
    assert through_json(-(10**5000)) == -(10**5000)


def test_nan_comes_back_as_nan():
    assert repr(through_json(math.nan)) == "nan"


def test_other_numbers_come_back_as_their_float_and_type_name():
    class Money(int):
        pass

    assert through_json(Fraction(1, 4)) == Real("Fraction", 0.25)
    assert through_json([Decimal("2.5")]) == [Real("Decimal", 2.5)]
    assert through_json(Money(3)) == Real("Money", 3.0)


@pytest.mark.parametrize("value", [{1}, b"12", object(), print, Fraction(10**400), [lambda: 0]])
def test_anything_else_is_refused(value):
    with pytest.raises(UnsupportedValueError):
        encode(value)


def test_a_cycle_is_refused():
    value = []
    value.append(value)
    with pytest.raises(UnsupportedValueError, match=str(MAX_DEPTH)):
        encode(value)


@pytest.mark.parametrize(
    "tagged",
    [
        None,
        7,
        [],
        ["x", 1],
        ["n", 1],
        ["b", 1],
        ["i", 7],
        ["i", "seven"],
        ["f", 0.5],
        ["f", "0x1.0p+99999"],
        ["c", "0x1p0"],
        ["s", 1],
        ["s", "a", "b"],
        ["l", "ab"],
        ["l", [1]],
        ["d", [[["n"]]]],
        ["d", [[["l", []], ["n"]]]],
        ["r", 1, "0x1p0"],
        [["n"]],
        [{}],
    ],
)
def test_forged_bytes_are_malformed_and_never_raise_anything_else(tagged):
    with pytest.raises(MalformedValueError):
        decode(tagged)


def test_nesting_deeper_than_can_be_written_is_malformed():
    tagged = ["n"]
    for _ in range(MAX_DEPTH + 2):
        tagged = ["l", [tagged]]
    with pytest.raises(MalformedValueError):
        decode(tagged)


@pytest.mark.parametrize("data", [b"", b"junk", b"[]", b'{"value":', b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_json_object_are_malformed(data):
    with pytest.raises(MalformedValueError):
        decode_bytes(data)
