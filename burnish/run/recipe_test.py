from __future__ import annotations

import pytest

from burnish.errors import ConfigError
from burnish.graders.config import default_grader_config
from burnish.run.recipe import Recipe

TREE = {
    "description": "x.",
    "model": {"name": "m"},
    "task": {"type": "arithmetic"},
    "method": {"type": "sft"},
}


def recipe(**changes: object) -> Recipe:
    return Recipe.from_tree(TREE | changes, source="recipe.yaml")  # pyright: ignore


def test_resolved_recipe_is_the_same_recipe():
    first = recipe(method={"type": "reft", "sft": {"epochs": 3}})
    again = Recipe.from_tree(first.model_dump(mode="json"), source="config.yaml")
    assert again == first


@pytest.mark.parametrize(("style", "kind"), [("ncot", "numeric"), ("pcot", "program")])
def test_grader_fits_the_task_unless_another_is_named(style, kind):
    task = {"type": "arithmetic", "style": style}
    bench = recipe(task=task).workbench()
    assert type(bench.grader) is type(default_grader_config(kind).build())
    assert vars(bench.grader)["_grader"].__class__.__name__.lower().startswith(kind)
    named = recipe(task=task, grader={"type": "multiple_choice"}).workbench()
    assert vars(named.grader)["_grader"].__class__.__name__ == "MultipleChoiceGrader"


def test_method_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ConfigError, match=r"recipe\.yaml: method: .*'sft'.*'reft'"):
        recipe(method={"type": "ppo"})
