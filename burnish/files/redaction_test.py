"""Secrets are hidden, and what is none stays as it is."""

from __future__ import annotations

import pytest

from burnish.files.redaction import (
    is_secret_name,
    without_known_secrets,
    without_secrets,
    without_secrets_in,
)

KEY = 'planted"secret\\value'


@pytest.mark.parametrize(
    "name",
    ["Authorization", "X-Api-Key", "api-key", "apikey", "Cookie", "X-Auth-Token", "clientSecret"],
)
def test_names_of_secrets_are_known(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["X-Team", "Content-Type", "keyboard", "author", "epochs"])
def test_other_names_are_not(name):
    assert not is_secret_name(name)


def test_the_values_of_variables_with_secret_names_are_hidden_also_within_json(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_KEY", KEY)
    monkeypatch.setenv("SOME_PATH", "another-long-value")
    assert without_known_secrets(f"a {KEY} b") == "a *** b"
    assert without_known_secrets('{"a": "planted\\"secret\\\\value"}') == '{"a": "***"}'
    assert without_known_secrets("another-long-value") == "another-long-value"


@pytest.mark.parametrize("value", ["none", "123456789012345", ""])
def test_placeholders_and_numbers_are_no_secrets(monkeypatch, value):
    monkeypatch.setenv("MY_SERVICE_KEY", value)
    assert without_known_secrets(f'{{"loss": 0.{value}1}}') == f'{{"loss": 0.{value}1}}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer abcdef.123456", "Bearer ***"),
        ("found 'sk-proj-0123456789abcdef'", "found '***'"),
        ("hf_abcdefghijklmnop", "***"),
        ("https://me:pw@host/v1", "https://***@host/v1"),
        ("http://host/v1?a=1&api_key=abc&b=2", "http://host/v1?a=1&api_key=***&b=2"),
        ("{'X-Api-Key': 'abc', 'n': 1}", "{'X-Api-Key': '***', 'n': 1}"),
        ("password: hunter2", "password: ***"),
        ("api_key_env: OPENAI_API_KEY", "api_key_env: OPENAI_API_KEY"),
        ("mask-sk and max_tokens: 5, a@b.example", "mask-sk and max_tokens: 5, a@b.example"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text, shown):
    assert without_secrets(text) == shown


def test_every_text_of_a_tree_is_cleared_and_its_shape_stays():
    tree = {"a": ["Bearer abcdef123", 1, None], "b": {"c": "plain"}}
    assert without_secrets_in(tree) == {"a": ["Bearer ***", 1, None], "b": {"c": "plain"}}  # type: ignore[arg-type]
