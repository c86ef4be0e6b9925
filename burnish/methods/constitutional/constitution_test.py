from __future__ import annotations

import pytest
import yaml

from burnish.data.feedback.reply_value import ATTRIBUTES
from burnish.errors import ConfigError
from burnish.methods.constitutional.constitution import load_constitution

PRINCIPLE = {
    "id": "honest",
    "critique_request": "What is wrong?",
    "revision_request": "Mend it.",
    "comparison": "Which is truer?",
}


def written(tmp_path, tree) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree), encoding="utf-8")
    return str(path)


def test_principles_are_read_in_order(tmp_path):
    other = PRINCIPLE | {"id": "kind_2", "comparison": "Which is kinder?"}
    found = load_constitution(written(tmp_path, {"principles": [other, PRINCIPLE]}))
    assert found.ids == ("kind_2", "honest")
    assert found.principles[0].comparison == "Which is kinder?"


def test_built_in_ones_are_sixteen_general_principles_and_the_attributes_of_replies():
    assert len(load_constitution("builtin:general").principles) == 16
    assert load_constitution("builtin:replies").ids == ATTRIBUTES


@pytest.mark.parametrize("missing", [*PRINCIPLE])
def test_missing_field_is_named_with_its_place(tmp_path, missing):
    broken = {k: v for k, v in PRINCIPLE.items() if k != missing}
    name = written(tmp_path, {"principles": [PRINCIPLE, broken]})
    with pytest.raises(ConfigError, match=rf"mine\.yaml: principles\.1\.{missing}: Field required"):
        load_constitution(name)


@pytest.mark.parametrize("field", ["critique_request", "revision_request", "comparison"])
def test_empty_words_are_an_error(tmp_path, field):
    name = written(tmp_path, {"principles": [PRINCIPLE | {field: ""}]})
    with pytest.raises(ConfigError, match=rf"principles\.0\.{field}"):
        load_constitution(name)


def test_two_principles_of_one_name_are_an_error(tmp_path):
    name = written(tmp_path, {"principles": [PRINCIPLE, PRINCIPLE]})
    with pytest.raises(ConfigError, match="'honest' is used more than once"):
        load_constitution(name)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"principles": []}, "there is none, so there is nothing to judge"),
        ({}, "principles: Field required"),
        ([PRINCIPLE], "found list; expected a mapping"),
        ("", "found NoneType; expected a mapping"),
        ("principles: [", "not valid YAML"),
        ({"principels": [PRINCIPLE]}, "did you mean 'principles'"),
        ({"principles": [PRINCIPLE | {"id": "Be kind"}]}, "small letters, digits"),
    ],
)
def test_file_that_is_no_constitution_says_what_it_should_be(tmp_path, tree, words):
    with pytest.raises(ConfigError, match=words):
        load_constitution(written(tmp_path, tree))


@pytest.mark.parametrize("name", ["nowhere.yaml", "builtin:nothing"])
def test_unknown_name_lists_those_that_come_with_the_package(name):
    with pytest.raises(ConfigError, match="builtin:general, builtin:replies"):
        load_constitution(name)
