"""The recipes that are compared with the quickstart's ReFT differ from it in the method alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from burnish.methods.grpo.method import GroupMethodConfig
from burnish.methods.reft.method import ReftConfig
from burnish.methods.self_training.method import SelfTrainingConfig
from burnish.methods.self_training.offline import OfflineConfig
from burnish.run.recipe import Recipe, load_recipe

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "burnish" / "assets" / "quickstart.yaml"
NAMES = [
    "grpo",
    "dr_grpo",
    "dapo",
    "rloo",
    "group_reft",
    "offline_self_training",
    "online_self_training",
]


def recipe_of(name: str) -> Recipe:
    return load_recipe(ROOT / "recipes" / f"arithmetic_{name}.yaml", ())


def what_is_shared(recipe: Recipe) -> dict[str, Any]:
    tree = recipe.model_dump(mode="json")
    method = tree.pop("method")
    del tree["description"]
    return {**tree, "warm_up": method["warm_up"]}


def num_samples(recipe: Recipe) -> int:
    """Answers that the training of a recipe samples, at most."""
    method = recipe.method
    if isinstance(method, ReftConfig):
        config = method.reinforce
        return (config.num_steps or 0) * config.batch_size * config.samples_per_problem
    if isinstance(method, GroupMethodConfig):
        in_steps = (method.num_steps or 0) * method.batch_size * method.samples_of_problem
        return method.max_samples or in_steps
    assert isinstance(method, SelfTrainingConfig)
    if isinstance(method.sampled, OfflineConfig):
        return method.sampled.sample.samples_per_problem * len(recipe.task.problems("train"))
    config = method.sampled
    return (config.num_steps or 0) * config.batch_size * config.samples_per_problem


@pytest.mark.parametrize("name", NAMES)
def test_model_task_warm_up_and_evaluation_are_the_quickstarts(name):
    assert what_is_shared(recipe_of(name)) == what_is_shared(load_recipe(QUICKSTART, ()))


@pytest.mark.parametrize("name", NAMES)
def test_as_many_answers_are_sampled_as_by_its_reft(name):
    wanted = num_samples(load_recipe(QUICKSTART, ()))
    assert wanted == 5120
    assert 0.99 * wanted < num_samples(recipe_of(name)) <= wanted


def test_updates_have_the_size_of_refts():
    reft = load_recipe(QUICKSTART, ()).method
    assert isinstance(reft, ReftConfig)
    for name in ("grpo", "dr_grpo", "dapo", "rloo", "group_reft"):
        method = recipe_of(name).method
        assert isinstance(method, GroupMethodConfig)
        assert method.optimizer == reft.reinforce.optimizer
