from __future__ import annotations

import json
from typing import Any

import pytest

from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe


def run_of(model_folder, folder, task: dict[str, Any], **method) -> dict[str, Any]:
    recipe = Recipe.model_validate(
        {
            "description": "A test.",
            "seed": 1,
            "model": {"name": str(model_folder)},
            "task": task,
            "method": {"type": "dpo", "batch_size": 4, "optimizer": {"learning_rate": 1e-3}}
            | method,
            "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 8},
            "compute": {"dtype": "float32", "device": "cpu"},
        }
    )
    return Driver(recipe, folder, progress=Silent()).run(resume=False)


def test_held_out_pairs_and_rewards_of_answers_are_reported(model_folder, tmp_path):
    task = {"type": "replies", "train_size": 8, "dev_size": 4, "test_size": 5}
    found = run_of(model_folder, tmp_path / "run", task, warm_up={"epochs": 1})
    assert set(found["pairs"]) == {"test", "shifted"}
    assert found["pairs"]["test"]["accuracy"]["n"] == 5
    margin = found["pairs"]["test"]["chosen_reward"]["value"]
    margin -= found["pairs"]["test"]["rejected_reward"]["value"]
    assert found["pairs"]["test"]["margin"]["value"] == pytest.approx(margin, abs=1e-6)
    assert {"base", "warm_up", "dpo"} <= set(found)
    assert 0.0 <= found["dpo"]["reward"]["value"] <= 1.0


def test_rows_without_a_true_reward_are_judged_by_their_pairs_alone(model_folder, tmp_path):
    rows = [
        {"prompt": f"Q{n}?", "chosen": f"It is {n}, surely.", "rejected": "No."} for n in range(12)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    task = {"type": "feedback_rows", "train": str(path), "test": str(path), "dev_share": 0.3}
    found = run_of(model_folder, tmp_path / "run", task, warm_up={"epochs": 1})
    assert set(found) == {"pairs", "seconds"}
    assert found["pairs"]["test"]["accuracy"]["n"] == 12
    assert "shifted" not in found["pairs"]
