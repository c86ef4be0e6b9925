"""`burnish forecast`, on a tiny random model that is never right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from burnish.cli.main import app

METHODS: dict[str, dict[str, Any]] = {
    "grpo": {"type": "grpo", "num_steps": 7, "batch_size": 2, "samples_per_problem": 3},
    "reft": {
        "type": "reft",
        "warm_up": {"epochs": 2, "batch_size": 2},
        "reinforce": {"num_steps": 5, "batch_size": 2},
    },
    "offline": {
        "type": "self_training",
        "warm_up": None,
        "sampled": {"type": "offline", "sample": {"samples_per_problem": 2, "batch_size": 3}},
    },
    "sft": {"type": "sft", "epochs": 1, "batch_size": 2},
}


def recipe_of(name: str, model_folder: Path, folder: Path) -> Path:
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(model_folder)},
        "task": {"type": "arithmetic", "train_size": 6, "dev_size": 2, "test_size": 2},
        "method": METHODS[name],
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def forecast(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, ["forecast", *map(str, arguments)])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return " ".join(result.output.split())


def numbers(name: str, model_folder: Path, folder: Path, *arguments: object) -> dict[str, Any]:
    out = folder / "numbers.json"
    forecast(recipe_of(name, model_folder, folder), "--out", out, *arguments)
    return json.loads(out.read_text(encoding="utf-8"))


def test_a_model_that_is_never_right_is_warned_of(model_folder, tmp_path):
    shown = forecast(recipe_of("grpo", model_folder, tmp_path), "--problems", 4, "--steps", 0)
    assert "4 train problems, 8 samples of each" in shown
    assert "problems never solved 100.0" in shown.replace("│ ", "")
    assert "WARNING: only 0 % of the groups of 3" in shown
    assert "100 % of the problems are never solved: warm up" in shown
    assert "seconds a step" not in shown


def test_numbers_are_written_with_intervals_costs_and_advice(model_folder, tmp_path):
    found = numbers("grpo", model_folder, tmp_path, "--samples", 4)
    outlook, costs = found["outlook"], found["costs"]
    assert (outlook["num_samples"], outlook["group_size"]) == (4, 3)
    assert outlook["never"]["value"] == 1.0
    assert outlook["never"]["n"] == 6
    assert outlook["never"]["low"] < 1.0
    (stage,) = costs["stages"]
    assert (stage["name"], stage["num_steps"], stage["num_evaluations"]) == ("reinforce", 7, 1)
    assert stage["step_s"] > 0
    assert stage["seconds"] == pytest.approx(7 * stage["step_s"] + stage["evaluation_s"])
    assert costs["peak_bytes"] > 10**7
    assert found["advice"][0].startswith("WARNING")


@pytest.mark.parametrize(
    ("name", "tried", "not_tried"),
    [
        ("reft", {"warm_up": 6, "reft": 5}, []),
        ("offline", {"sample": 2}, ["self_training"]),
        ("sft", {"sft": 3}, []),
    ],
    ids=["reft", "offline", "sft"],
)
def test_every_stage_that_can_be_begun_is_tried(model_folder, tmp_path, name, tried, not_tried):
    costs = numbers(name, model_folder, tmp_path)["costs"]
    assert {stage["name"]: stage["num_steps"] for stage in costs["stages"]} == tried
    assert costs["not_tried"] == not_tried


def test_another_start_model_can_be_named_and_must_be_there(model_folder, tmp_path):
    recipe = recipe_of("grpo", tmp_path / "missing", tmp_path)
    assert "error: " in forecast(recipe, exit_code=2)
    found = forecast(recipe, "--model", model_folder, "--problems", 2, "--steps", 0)
    assert "2 train problems" in found
