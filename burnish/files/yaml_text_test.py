"""Settings in YAML: each key once and with its line, and nothing that explodes."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.files.yaml_text import YamlTextError, parse_yaml

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(value=VALUES)
def test_what_yaml_writes_is_read_as_it_was(value):
    assert parse_yaml(yaml.safe_dump(value)).tree == value


def test_keys_and_places_have_their_lines():
    found = parse_yaml("# first\na:\n  b: 1\n  c:\n  - x\n  - {d: 2}\n")
    assert found.tree == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    lines = {"a": 2, "a.b": 3, "a.c": 4, "a.c.0": 5, "a.c.1": 6, "a.c.1.d": 6}
    assert {key: found.lines[key] for key in lines} == lines


def test_aliases_and_merged_mappings_are_read():
    text = "base: &base {x: 1, y: 2}\nmore: {<<: *base, x: 3}\nall:\n  <<: [{x: 0}, *base]\n"
    assert parse_yaml(text).tree == {
        "base": {"x": 1, "y": 2},
        "more": {"x": 3, "y": 2},
        "all": {"x": 0, "y": 2},
    }


@pytest.mark.parametrize("num_levels", [6, 9, 40])
def test_aliases_that_unfold_to_too_much_are_refused_at_once(num_levels):
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, num_levels)]
    start = time.monotonic()
    with pytest.raises(YamlTextError, match="with aliases unfolded it has more than 100000"):
        parse_yaml("\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *levels]))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' stands twice"),
        ("a:\n  b: [1, {c: 1, c: 2}]", 2, "the key 'c' stands twice"),
        ("a:\n  &x [*x]", 2, "inside what it is an alias of"),
        (
            "a: 1\nb: !!python/object/apply:os.system [ls]",
            2,
            "tag '!!python/object/apply:os.system' is not read",
        ),
        ("a: 1\nb: !!python/name:os.system x", 2, "tag '!!python/name:os.system' is not read"),
        ("a: !!bool perhaps", 1, "cannot be read as bool"),
        ("a: !!int ''", 1, "cannot be read as int"),
        ("a: 1\nb: " + "9" * 5000, 2, "cannot be read as int"),
        (f"a: {2**63}", 1, "cannot be read as int"),
        ('"\\ud800": 1', 1, "half of a surrogate pair"),
        ("? [a]\n: b", 1, "a key is a text"),
        ("a: " + "[" * 5000, 0, "nested too deeply"),
        ("a: " + "[" * 70 + "]" * 70, 1, "nested past 60 levels"),
        ("<<: 3", 1, "takes a mapping"),
        ('a: "\\U00110000"', 0, "not valid YAML"),
        ("a: 1\nb: \x00", 2, "not valid YAML"),
        ("a: 1\nb: c: d", 2, "not valid YAML"),
        ("a: 1\n--- b", 2, "not valid YAML"),
        ("a: *x", 1, "undefined alias"),
    ],
)
def test_what_is_no_setting_is_refused_with_its_line(text, line, told):
    with pytest.raises(YamlTextError, match=told) as caught:
        parse_yaml(text)
    assert caught.value.line == line
    assert caught.value.at("r.yaml") == (f"r.yaml:{line}" if line else "r.yaml")


def test_dates_stay_texts_also_those_that_there_are_not():
    assert parse_yaml("{a: 2001-01-02, b: 2001-99-99}").tree == {
        "a": "2001-01-02",
        "b": "2001-99-99",
    }


def test_keys_are_texts():
    assert parse_yaml("{1: a, null: b, on: c}").tree == {"1": "a", "null": "b", "on": "c"}
