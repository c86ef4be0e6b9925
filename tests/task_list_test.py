from __future__ import annotations

import typing

import pydantic
import pytest

from burnish.config import Config
from burnish.data.tasks import AnyTask, TaskConfig
from burnish.data.tasks.task import AnswerKind
from burnish.errors import ConfigError


class Recipe(Config):
    task: TaskConfig


NAMES = ["svamp", "gsm8k", "mathqa", "math500", "arithmetic", "scibench", "replies"]
CODE_NAMES = ["mbpp", "mbpp_repair", "humaneval"]


@pytest.mark.parametrize("name", [*NAMES, *CODE_NAMES, "rows"])
def test_every_task_is_named_by_its_type(name):
    task: AnyTask = pydantic.TypeAdapter(TaskConfig).validate_python({"type": name})
    assert task.type == name
    assert task.answer_kind in typing.get_args(AnswerKind)


def test_misspelt_key_of_a_task_suggests_the_right_one():
    with pytest.raises(ConfigError, match="did you mean 'folder'"):
        Recipe.from_tree({"task": {"type": "svamp", "foldr": "x"}}, source="recipe.yaml")
