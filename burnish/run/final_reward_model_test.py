from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from burnish.data.feedback.simulated import RatersConfig
from burnish.data.tasks.feedback_rows import FeedbackRowsTask
from burnish.data.tasks.replies import RepliesTask
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe
from burnish.training.comment_reading import CommentsConfig
from burnish.training.learner import OptimizerConfig
from burnish.training.reward_model import FitConfig
from burnish.training.reward_model_attributes import AttributesConfig, GateConfig
from burnish.training.workbench import ComputeConfig, LengthConfig

FIT = FitConfig(epochs=1, batch_size=8, optimizer=OptimizerConfig(learning_rate=1e-3))
TASK = RepliesTask(train_size=8, dev_size=6, test_size=6, raters=RatersConfig(noise=0.0))


def results(folder: Path, *, task: Any = TASK, resume: bool = False, **method: Any) -> Any:
    """Of a run in `folder`."""
    if not resume:
        tiny_model("llama", max_positions=512).save(folder / "tiny")
    recipe = Recipe(
        description="Liking.",
        seed=1,
        model=ModelConfig(name=str(folder / "tiny")),
        task=task,
        method=RewardModelConfig(fit=FIT, **method),
        lengths=LengthConfig(max_prompt_tokens=300),
        compute=ComputeConfig(device="cpu", dtype="float32"),
    )
    found = Driver(recipe, folder / "run", progress=Silent()).run(resume=resume)
    assert json.loads((folder / "run" / "results.json").read_text()) == found
    return found


def test_comparisons_are_reported_held_out_and_out_of_distribution(tmp_path):
    found = results(tmp_path)["reward_model"]
    for split in ("test", "shifted"):
        assert {"accuracy", "by_strength", "by_margin", "calibration", "length"} < set(found[split])
        assert found[split]["num"] == 6
        assert found[split]["skipped"] == {}
        assert -1 <= found[split]["gold_correlation"] <= 1
        assert [*found[split]["gold_parts"]] == ["helpful", "honest", "kind", "brief"]
    assert found["test"] != found["shifted"]
    assert found["steps"] == 1


def test_an_ensemble_is_reported_beside_its_members(tmp_path):
    found = results(tmp_path, num_models=2, pessimism=0.5)
    assert {"reward_model_1", "reward_model_2", "ensemble"} < set(found)
    assert found["ensemble"]["k"] == 0.5
    test = found["ensemble"]["test"]
    assert test["disagreement"] > 0
    assert {"gold_correlation", "gold_pair_accuracy"} < set(test["mean"])
    assert set(test["mean"]) == set(test["pessimistic"])


def test_a_gate_is_measured_on_comparisons_and_its_attributes_on_attributes(tmp_path):
    feedback = AttributesConfig(gate=GateConfig(hidden=4, fit=FIT), weights={"honest": 1.0})
    found = results(tmp_path, feedback=feedback)
    assert set(found["reward_model"]["test"]["attributes"]) == {
        "helpful",
        "honest",
        "kind",
        "brief",
    }
    assert found["gate"]["test"]["accuracy"]["n"] <= 6


def test_comments_are_reported_by_the_scores_that_were_read(tmp_path):
    found = results(tmp_path, feedback=CommentsConfig())["reward_model"]["test"]
    assert found["attributes"]["score"]["num"] == 12


def test_what_was_measured_is_not_measured_again(tmp_path):
    found = results(tmp_path)
    kept = tmp_path / "run" / "stages" / "01-reward_model" / "test" / "rewards.json"
    rows = json.loads(kept.read_text())
    rows["test"]["num"] = -1
    kept.write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "run" / "results.json").unlink()
    again = results(tmp_path, resume=True)
    assert found["reward_model"]["test"]["num"] == 6
    assert again["reward_model"]["test"]["num"] == -1


@pytest.mark.parametrize("with_test", [True, False])
def test_feedback_from_files_has_no_gold_reward(tmp_path, with_test):
    rows = [{"prompt": f"Q{n}", "chosen": f"good {n}", "rejected": "bad"} for n in range(8)]
    rows.append({"prompt": "Q9", "chosen": "same", "rejected": "same"})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    task = FeedbackRowsTask(train=path, test=path if with_test else None, bad_rows="skip")
    found = results(tmp_path, task=task)["reward_model"]
    if not with_test:
        assert set(found) == {"steps", "selected_step"}
        return
    assert found["test"]["num"] == 8
    assert found["test"]["skipped"] == {"identical_answers": 1}
    assert "gold_correlation" not in found["test"]
    assert "shifted" not in found
