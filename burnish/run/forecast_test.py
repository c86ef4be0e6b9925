from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from burnish.run.forecast import rollouts_of, start_outlook
from burnish.run.recipe import Recipe


def recipe_of(model_folder: Path, method: dict[str, Any]) -> Recipe:
    tree: dict[str, Any] = {
        "description": "A tiny run.",
        "model": {"name": str(model_folder)},
        "task": {"type": "arithmetic", "train_size": 6, "dev_size": 2, "test_size": 2},
        "method": method,
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    return Recipe.from_tree(tree, source="test")


@pytest.mark.parametrize(
    ("method", "size", "temperature", "top_k"),
    [
        ({"type": "reft", "reinforce": {"temperature": 0.9}}, 2, 0.9, 0),
        ({"type": "reft", "reinforce": {"samples_per_problem": 5}}, 5, 1.0, 0),
        ({"type": "rloo", "temperature": 0.8}, 4, 0.8, 0),
        ({"type": "self_training"}, 100, 1.0, 0),
        ({"type": "self_training", "sampled": {"type": "online", "temperature": 0.7}}, 2, 0.7, 0),
        ({"type": "rest_em"}, 32, 0.7, 40),
        ({"type": "sft"}, 8, 1.0, 0),
    ],
    ids=["reft alone", "reft", "rloo", "offline", "online", "rest_em", "sft"],
)
def test_samples_are_drawn_as_the_method_draws_them(model_folder, method, size, temperature, top_k):
    recipe = recipe_of(model_folder, method)
    found = rollouts_of(recipe.method, recipe.workbench())
    assert found.group_size == size
    assert (found.params.temperature, found.params.top_k) == (temperature, top_k)
    assert found.params.max_tokens == 4


def test_at_least_as_many_samples_are_drawn_as_a_group_has(model_folder):
    recipe = recipe_of(model_folder, {"type": "grpo", "samples_per_problem": 3})
    found = start_outlook(recipe, recipe.workbench(), num_samples=2, num_problems=4)
    assert (found.num_samples, found.group_size, found.signal.n) == (3, 3, 4)
    default = start_outlook(recipe, recipe.workbench(), num_samples=None, num_problems=0)
    assert (default.num_samples, default.signal.n) == (8, 6)
