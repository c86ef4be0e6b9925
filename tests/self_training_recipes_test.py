"""The recipes that are compared as ways of self-training differ in the method alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from burnish.methods.rest_em.method import RestEmConfig
from burnish.methods.rest_mcts.method import RestMctsConfig
from burnish.methods.self_rewarding.method import SelfRewardingConfig
from burnish.run.recipe import load_recipe

RECIPES = Path(__file__).parent.parent / "recipes"
SEARCHED = RECIPES / "arithmetic_rest_mcts.yaml"
SAMPLED = [RECIPES / f"arithmetic_{name}.yaml" for name in ("rest_em", "self_rewarding")]


def what_is_shared(path: Path) -> dict[str, Any]:
    recipe = load_recipe(path, ()).model_dump(mode="json")
    method = recipe.pop("method")
    del recipe["description"]
    return {**recipe, "warm_up": method["warm_up"]}


@pytest.mark.parametrize("path", SAMPLED, ids=lambda path: path.stem)
def test_model_task_warm_up_and_evaluation_are_the_same(path):
    assert what_is_shared(path) == what_is_shared(SEARCHED)


def test_rounds_and_sampled_tokens_are_the_same():
    em, rewarding, searched = (load_recipe(path, ()).method for path in (*SAMPLED, SEARCHED))
    assert isinstance(em, RestEmConfig)
    assert isinstance(rewarding, SelfRewardingConfig)
    assert isinstance(searched, RestMctsConfig)
    assert em.iterations == rewarding.rounds == searched.iterations
    assert em.sample.max_tokens_total == rewarding.sample.max_tokens_total is not None
    assert em.sample.temperature == rewarding.sample.temperature == searched.search.temperature
