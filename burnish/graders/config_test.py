"""Recipes name graders by type; every kind of answer has one."""

import typing

import pytest
from pydantic import TypeAdapter

from burnish.config import Config
from burnish.data.tasks.task import AnswerKind
from burnish.errors import ConfigError
from burnish.graders.answer import AnswerConfig
from burnish.graders.config import GraderConfig, default_grader_config
from burnish.graders.program import ProgramConfig
from burnish.types import Json


class Recipe(Config):
    grader: GraderConfig


@pytest.mark.parametrize("kind", typing.get_args(AnswerKind))
def test_every_kind_of_answer_has_a_default_grader_that_recipes_can_name(kind):
    config = default_grader_config(kind)
    assert config.type == ("gold_reply" if kind == "open" else kind)
    papers = 0.0 if kind in {"math", "quantity"} else 0.1  # ReFT pays wrong answers, too
    assert not isinstance(config, AnswerConfig) or config.partial_reward == papers
    assert TypeAdapter(GraderConfig).validate_python({"type": config.type}) == config
    assert config.build().grade([]) == []


def test_a_recipe_sets_a_graders_limits():
    tree: dict[str, Json] = {"grader": {"type": "program", "limits": {"timeout_s": 10}}}
    grader = Recipe.from_tree(tree, source="recipe.yaml").grader
    assert isinstance(grader, ProgramConfig)
    assert grader.limits.timeout_s == 10


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"type": "numeric", "tolerence": 1}, "tolerance"),
        ({"type": "numbers"}, "grader"),
        ({"type": "numeric", "partial_reward": 2}, "partial_reward"),
        ({"type": "program", "limits": {"timeout_s": 0}}, "timeout_s"),
        ({"type": "multiple_choice", "options": "A"}, "options"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Json], complaint):
    with pytest.raises(ConfigError, match=complaint):
        Recipe.from_tree({"grader": settings}, source="recipe.yaml")
