"""JSON that means two things, or would fail later, is refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.files.json_text import MOST_LEVELS, parse_json, require_shallow
from burnish.types import Json

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.one_of(LEAVES, TEXTS), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(value=VALUES)
def test_what_json_says_is_read_as_it_was(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        ('[{"x": {"a": 1, "a": 1}}]', "'a' stands twice"),
        ("[NaN]", "NaN is not a JSON number"),
        ("-Infinity", "-Infinity is not"),
        ("[1e999]", "1e999 is not a finite number"),
        ("9" * 301, "a number of 301 digits"),
        ("9" * 5000, "a number of 5000 digits"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 102 + "]" * 102, "nested too deeply"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "half of a surrogate pair"),
        ('{"a": ', "Expecting value"),
        ('"\x00"', "control character"),
    ],
)
def test_what_would_fail_later_is_refused(text, told):
    with pytest.raises(ValueError, match=told):
        parse_json(text)


def test_a_whole_surrogate_pair_is_a_character():
    assert parse_json('"\\ud83d\\ude42"') == "\U0001f642"


def test_a_hundred_levels_are_read_and_brackets_in_texts_are_none():
    deep = "[" * MOST_LEVELS + "]" * MOST_LEVELS
    assert parse_json(deep) == json.loads(deep)
    assert parse_json(json.dumps("[" * 500)) == "[" * 500


def test_depth_is_measured_along_the_deepest_branch():
    deep: Json = []
    for _ in range(MOST_LEVELS + 1):
        deep = [1, {"a": "b"}, deep]
    with pytest.raises(ValueError, match="nested"):
        require_shallow(deep)
    wide: list[Json] = [[]] * 500
    require_shallow(wide)


def test_the_largest_float_is_finite():
    assert math.isfinite(parse_json("1.7e308"))  # type: ignore[arg-type]
