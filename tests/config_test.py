from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pydantic
import pytest
from pydantic import Field

from burnish.config import Config, load_tree
from burnish.errors import ConfigError
from burnish.run.recipe import load_recipe


class Optimizer(Config):
    learning_rate: float = Field(default=1e-3, gt=0)
    """How far a step goes."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Two averages."""


class Reinforce(Config):
    kl_coef: float = 0.05
    optimizer: Optimizer = Optimizer()


class Warm(Config):
    epochs: int = 2


class Rl(Config):
    type: Literal["rl"] = "rl"
    warm: Warm | None = None
    reinforce: Reinforce = Reinforce()


class Imitation(Config):
    """Its tag is also the name of a field, which must not confuse the search."""

    type: Literal["warm"] = "warm"
    passes: int = 1


class Several(Config):
    type: Literal["several"] = "several"
    parts: dict[str, Annotated[Rl | Imitation, Field(discriminator="type")]] = {}  # noqa: RUF012
    steps: list[Optimizer] = []  # noqa: RUF012


class Root(Config):
    name: str = "a"
    method: Annotated[Rl | Imitation | Several, Field(discriminator="type")] = Rl()


def error_of(tree: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        Root.from_tree(tree, source="a.yaml")
    return str(caught.value)


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_help_text_is_the_string_under_the_field():
    assert Optimizer.model_fields["learning_rate"].description == "How far a step goes."


def test_config_is_frozen():
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Root().name = "b"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"nam": 1}, "a.yaml: nam: unknown key; did you mean 'name'?"),
        (
            {"method": {"type": "rl", "reinforce": {"kl_coeff": 1}}},
            "a.yaml: method.reinforce.kl_coeff: unknown key; did you mean 'kl_coef'?",
        ),
        (
            {"method": {"type": "rl", "reinforce": {"optimizer": {"leaning_rate": 1}}}},
            "a.yaml: method.reinforce.optimizer.leaning_rate: unknown key; "
            "did you mean 'learning_rate'?",
        ),
        (
            {"method": {"type": "rl", "warm": {"epoch": 1}}},
            "a.yaml: method.warm.epoch: unknown key; did you mean 'epochs'?",
        ),
        (
            {"method": {"type": "warm", "pases": 1}},
            "a.yaml: method.pases: unknown key; did you mean 'passes'?",
        ),
        (
            {"method": {"type": "rl", "qqq": 1}},
            "a.yaml: method.qqq: unknown key; valid keys: reinforce, type, warm",
        ),
        (
            {"method": {"type": "several", "parts": {"warm": {"type": "warm", "pases": 1}}}},
            "a.yaml: method.parts.warm.pases: unknown key; did you mean 'passes'?",
        ),
        (
            {"method": {"type": "several", "parts": {"a": {"type": "rl", "warm": {"epoch": 1}}}}},
            "a.yaml: method.parts.a.warm.epoch: unknown key; did you mean 'epochs'?",
        ),
        (
            {"method": {"type": "several", "steps": [{}, {"beta": 1}]}},
            "a.yaml: method.steps.1.beta: unknown key; did you mean 'betas'?",
        ),
    ],
)
def test_unknown_key_is_named_as_written_with_the_nearest_valid_one(tree, message):
    assert error_of(tree) == message


def test_nearest_name_is_taken_from_the_chosen_member_of_a_union():
    assert "valid keys: passes, type" in error_of({"method": {"type": "warm", "kl_coef": 1}})


@pytest.mark.parametrize(
    ("tree", "key", "found"),
    [
        (
            {"method": {"type": "rl", "reinforce": {"kl_coef": "x"}}},
            "method.reinforce.kl_coef",
            "x",
        ),
        (
            {"method": {"type": "rl", "reinforce": {"optimizer": {"learning_rate": -2}}}},
            "method.reinforce.optimizer.learning_rate",
            "-2",
        ),
        (
            {"method": {"type": "rl", "reinforce": {"optimizer": {"betas": [0.9, "x"]}}}},
            "method.reinforce.optimizer.betas.1",
            "x",
        ),
        ({"method": {"type": "rlhf"}}, "method", "rlhf"),
        ({"method": 3}, "method", "3"),
        ({7: 1}, "7", "7"),
    ],
)
def test_wrong_value_is_named_with_its_file_key_and_content(tree, key, found):
    message = error_of(tree)
    assert message.startswith(f"a.yaml: {key}: ")
    assert "(found " in message
    assert found in message.rpartition("(found ")[2]


def test_every_wrong_key_has_a_line():
    lines = error_of({"nam": 1, "method": {"type": "rl", "kl": 2}}).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["method.kl", "nam"]


def test_overrides_win_over_the_file_and_are_parsed_as_yaml(tmp_path):
    path = written(tmp_path, "name: a\nmethod: {type: rl, reinforce: {kl_coef: 0.5}}\n")
    overrides = ["method.reinforce.kl_coef=0.25", "method.warm.epochs=7", "name='on'"]

    root = Root.from_tree(load_tree(path, overrides), source="x")

    assert root == Root(
        name="on", method=Rl(warm=Warm(epochs=7), reinforce=Reinforce(kl_coef=0.25))
    )


def test_scientific_notation_without_a_point_is_a_number(tmp_path):
    path = written(tmp_path, "method: {type: rl, reinforce: {kl_coef: 5e-3}}")
    assert Root.from_tree(load_tree(path), source="x").method == Rl(
        reinforce=Reinforce(kl_coef=0.005)
    )


@pytest.mark.parametrize("override", ["name", "=3", "name.x=3", "name=[1"])
def test_malformed_override_is_named(tmp_path, override):
    with pytest.raises(ConfigError) as caught:
        load_tree(written(tmp_path, "name: a"), [override])
    assert repr(override) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("name: [1", "not valid YAML"), ("- a", "found list"), ("", "found NoneType")],
)
def test_file_that_is_no_mapping_is_named_in_one_line(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_tree(path)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_recipe_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_tree(tmp_path / name)


def test_recipe_that_is_not_text_is_named(tmp_path):
    (tmp_path / "recipe.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match=r"recipe.yaml: not UTF-8"):
        load_tree(tmp_path / "recipe.yaml")


def test_misspelt_key_of_a_real_recipe_is_found(tmp_path):
    path = written(
        tmp_path,
        "description: x.\nmodel: {name: m}\ntask: {type: arithmetic}\nmethod: {type: reft}",
    )
    with pytest.raises(ConfigError) as caught:
        load_recipe(path, ["method.reinforce.kl_coeff=0.1"])
    assert str(caught.value) == (
        f"{path}: method.reinforce.kl_coeff: unknown key; did you mean 'kl_coef'?"
    )
