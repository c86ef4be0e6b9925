"""Whatever stands in a recipe, an override or a template: a run's settings, or one paragraph."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.config import Config
from burnish.data.rendering import conversation_text
from burnish.data.tasks.rows import RowsTask
from burnish.errors import BurnishError, ConfigError, DataError
from burnish.graders.grader_file import load_grader_config
from burnish.models.tiny import byte_level_tokenizer
from burnish.run.recipe import Recipe, load_recipe
from burnish.types import Message, Problem

RECIPES = sorted(Path(__file__).parents[1].glob("recipes/smoke/*.yaml"))
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "0", "-1", "1e9", "../x", "/dev/zero", "\0", "{question}", "{{a}}", "{"]),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([2**70, -1, 0]), st.floats(), TEXTS
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2)
)


def keys_of(model: type[Config]) -> list[str]:
    """The dotted keys of all sections that are always the same."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        keys.append(name)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Config):
            keys += [f"{name}.{key}" for key in keys_of(inner)]
    return keys


KEYS = [*keys_of(Recipe), "task.train_size", "method.epochs", "method.batch_size", "method.type"]


def with_value(tree: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    *sections, leaf = key.split(".")
    inside = tree
    for section in sections:
        found = inside.get(section)
        inside[section] = inside = found if isinstance(found, dict) else {}
    inside[leaf] = value
    return tree


def read_or_explained(path: Path) -> Recipe | None:
    """None where it is refused with a paragraph that begins with the file."""
    told = ""
    try:
        return load_recipe(path)
    except ConfigError as error:
        told = str(error)
    assert told.startswith(f"{path}:")
    assert "\n\n" not in told
    return None


@settings(max_examples=50, derandomize=True, deadline=None)
@given(path=st.sampled_from(RECIPES), key=st.sampled_from(KEYS), value=VALUES)
def test_a_recipe_with_any_value_is_settings_or_a_paragraph_that_names_the_file(path, key, value):
    tree = with_value(yaml.safe_load(path.read_text(encoding="utf-8")), key, value)
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / "changed.yaml"
        changed.write_text(yaml.safe_dump(tree), encoding="utf-8")
        recipe = read_or_explained(changed)
        if recipe is None:
            return
        again = yaml.safe_dump(recipe.model_dump(mode="json"))
        changed.write_text(again, encoding="utf-8")
        assert load_recipe(changed) == recipe


@settings(max_examples=25, derandomize=True, deadline=None)
@given(key=st.one_of(st.sampled_from(KEYS), st.text(max_size=8)), value=st.text(max_size=12))
def test_an_override_of_any_text_is_a_setting_or_a_paragraph(key, value):
    with contextlib.suppress(ConfigError):
        load_recipe(RECIPES[0], [f"{key}={value}"])
    with contextlib.suppress(ConfigError):
        load_recipe(RECIPES[0], [f"{key}{value}"])


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(["numeric", "string_check", "multi", "endpoint", "score_model", "rank"]),
    more=st.dictionaries(
        st.sampled_from(["input", "reference", "graders", "calculate_output", "url", "name"]),
        VALUES,
    ),
)
def test_a_grader_of_any_settings_is_read_or_a_paragraph(kind, more):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grader.yaml"
        path.write_text(yaml.safe_dump({"type": kind, **more}), encoding="utf-8")
        with contextlib.suppress(ConfigError):
            load_grader_config(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("method:\n  type: sft\n  epochs: -1\n", 3),
        ("method:\n  type: sft\n  epoch: 1\n", 3),
        ("method: {type: sft}\nsed: 3\n", 2),
        ("method: {type: sft}\ncompute:\n  dtype: float33\n", 3),
        ("method: {type: sft}\nseed: 1\nseed: 2\n", 3),
        ("method: {type: sft}\nseed: -1\n", 2),
    ],
)
def test_what_is_wrong_in_a_recipe_is_told_with_its_line(tmp_path, text, line):
    head = "model: {name: m}\ntask: {type: arithmetic}\n"
    path = tmp_path / "recipe.yaml"
    path.write_text(f"{head}{text}description: x.\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}:{line + 2}: ")


def test_what_an_override_says_is_told_without_a_line(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("description: x.\nmodel: {name: m}\ntask: {type: arithmetic}\nmethod: {}\n")
    with pytest.raises(ConfigError) as caught:
        load_recipe(path, ["method={type: sft, epochs: -1}"])
    assert str(caught.value).startswith(f"{path}: method.epochs: ")


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    template=TEXTS.map(lambda text: f"{{question}}{text}"),
    target=TEXTS.map(lambda text: f"{text}{{rationale}}"),
    question=TEXTS,
    rationale=TEXTS,
)
def test_templates_of_rows_put_texts_in_as_they_are(template, target, question, rationale):
    task = RowsTask(template=template, target_template=target)
    problem = Problem("p", question, "4", rationale=rationale)
    assert task.prompt(problem) == question + template.removeprefix("{question}").replace(
        "{question}", question
    )
    assert task.target(problem).endswith(rationale)


EXPRESSIONS = st.sampled_from(
    [
        *("messages", "messages[0].content", "messages[9]", "bos_token", "nothing.at.all", "1 / 0"),
        *("1 + 'a'", "messages | sum", "messages[0].content | int / 0", "[] | first | upper"),
        *("range(10 ** 9) | list", "raise_exception('no')", "''.__class__.__mro__", "x(", "{% if"),
        *("cycler.__init__.__globals__", "'%d' % 'a'", "messages | tojson", "namespace(a=1).b.c"),
    ]
)
TOKENIZER = byte_level_tokenizer(300, starts_with_bos=True)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(expressions=st.lists(EXPRESSIONS, min_size=1, max_size=3), text=st.text(max_size=6))
def test_a_chat_template_of_any_text_renders_or_is_a_data_error(expressions, text):
    TOKENIZER.chat_template = text + "".join(f"{{{{ {inside} }}}}" for inside in expressions)
    with contextlib.suppress(DataError):
        conversation_text(TOKENIZER, [Message("user", "Hi")], "p")


def test_a_chat_template_has_no_way_to_the_system():
    TOKENIZER.chat_template = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(BurnishError, match="chat template refuses"):
        conversation_text(TOKENIZER, [Message("user", "Hi")], "p")
