"""Whole runs of the methods that learn from their own samples: stopping changes nothing."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from interrupting import Interrupting, Killed

from burnish.run.driver import Driver
from burnish.run.ownership import Stopped
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe

GRADER = "def even(completions):\n    return [float(len(text) % 2 == 0) for text in completions]\n"
SAMPLE = {
    "samples_per_problem": 4,
    "samples_per_pass": 2,
    "temperature": 1.0,
    "top_k": 0,
    "batch_size": 4,
}
OPTIMIZER = {"learning_rate": 1e-3, "schedule": "constant"}
WARM_UP = {"epochs": 1, "batch_size": 4, "optimizer": OPTIMIZER}
METHODS: dict[str, dict[str, Any]] = {
    "rest_em": {
        "sample": SAMPLE,
        "warm_up": WARM_UP,
        "train": {"epochs": 2, "batch_size": 8, "optimizer": OPTIMIZER},
    },
    "self_rewarding": {
        "sample": SAMPLE,
        "judge": {"type": "grader"},
        "judge_batch_size": 3,
        "train": {"epochs": 4, "batch_size": 3, "optimizer": OPTIMIZER},
    },
    "rest_mcts": {  # a step ends with an "e", and so does a solution
        "warm_up": None,
        "iterations": 1,
        "initial": {"type": "annotated", "batch_size": 4},
        "initial_fit": {"epochs": 2, "batch_size": 8, "optimizer": OPTIMIZER},
        "search": {"steps": {"type": "marker", "marker": "e"}, "temperature": 1.0},
        "trees": {
            "type": "search",
            "strategy": {"type": "mcts", "iteration_limit": 4, "end_markers": ["e"]},
            "batch_size": 4,
        },
        "improve": {
            "policy": {"epochs": 2, "batch_size": 3, "optimizer": OPTIMIZER},
            "value": {"epochs": 2, "batch_size": 3, "optimizer": OPTIMIZER},
        },
    },
}


@pytest.fixture(scope="module")
def recipe_of(model_folder, tmp_path_factory):
    grader = tmp_path_factory.mktemp("grader") / "even.py"
    grader.write_text(GRADER, encoding="utf-8")

    def recipe(method: str) -> Recipe:
        return Recipe.model_validate(
            {
                "description": "A tiny run.",
                "seed": 5,
                "model": {"name": str(model_folder)},
                "task": {
                    **{"type": "arithmetic", "min_steps": 1, "max_steps": 1},
                    **{"train_size": 8, "dev_size": 3, "test_size": 4},
                },
                "grader": {"type": "function", "path": f"{grader}:even"},
                "method": {"type": method, **METHODS[method]},
                "lengths": {
                    "max_prompt_tokens": 200,
                    "max_new_tokens": 6 if method != "rest_mcts" else 40,
                },
                "compute": {"dtype": "float32", "device": "cpu"},
                "checkpoint_every": 2,
            }
        )

    return recipe


@pytest.fixture(scope="module")
def finished(recipe_of, tmp_path_factory):
    @cache
    def run(method: str) -> tuple[Path, dict[str, Any]]:
        folder = tmp_path_factory.mktemp("finished") / method
        return folder, Driver(recipe_of(method), folder, progress=Silent()).run(resume=False)

    return run


def curves(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{k: v for k, v in row.items() if not k.endswith("time_s")} for row in rows]


def without_seconds(results: dict[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in results.items() if name != "seconds"}


PLACES = [
    ("rest_em", "sample_1", 1, "stop"),
    ("rest_em", "sample_2", 3, "kill"),
    ("rest_em", "train_2", 1, "stop"),
    ("self_rewarding", "judge_1", 1, "stop"),
    ("self_rewarding", "train_1", 3, "kill"),
    ("self_rewarding", "train_2", 2, "stop"),
    ("rest_mcts", "value_0", 2, "stop"),
    ("rest_mcts", "search_1", 2, "kill"),
    ("rest_mcts", "policy_1", 1, "stop"),
    ("rest_mcts", "value_1", 2, "kill"),
]


@pytest.mark.parametrize(("method", "stage", "step", "how"), PLACES)
def test_interrupted_run_ends_as_one_that_was_not(
    method, stage, step, how, recipe_of, finished, tmp_path
):
    whole, results = finished(method)
    progress = Interrupting(stage, step, kill=how == "kill")
    with pytest.raises(Killed if how == "kill" else Stopped):
        Driver(recipe_of(method), tmp_path / "run", progress=progress).run(resume=False)
    again = Driver(recipe_of(method), tmp_path / "run", progress=Silent()).run(resume=True)
    assert without_seconds(again) == without_seconds(results)
    assert curves(tmp_path / "run") == curves(whole)


@pytest.mark.parametrize("method", ["rest_em", "self_rewarding"])
def test_base_and_every_round_are_reported_and_kept(method, finished):
    folder, results = finished(method)
    trained = [name for name in results if name.startswith("train_")]
    assert trained == ["train_1", "train_2"]
    assert "base" in results
    assert ("warm_up" in results) == ("warm_up" in METHODS[method])
    assert results["sampled"]
    assert all(found["samples"] == 32 for found in results["sampled"].values())
    for name in trained:
        (stage,) = (folder / "stages").glob(f"*-{name}")
        assert (stage / "selected" / "model.safetensors").is_file()
        assert (stage / "last" / "model.safetensors").is_file()


def test_policies_and_value_models_of_a_search_are_reported(finished):
    _, results = finished("rest_mcts")
    assert {"base", "policy_1"} <= results.keys()
    assert "value_0" not in results
    first, later = results["values"].values()
    assert 0 <= first["auc"] <= 1
    assert "against_first" not in first
    assert later["against_first"]["n"] == 4
