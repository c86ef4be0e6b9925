from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from burnish.data.tasks.feedback_rows import FeedbackRowsTask
from burnish.data.tasks.replies import RepliesTask
from burnish.methods.rlhf.method import RlhfConfig
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe
from burnish.training.workbench import ComputeConfig, LengthConfig

FAST = {"learning_rate": 1e-3, "schedule": "constant"}
METHOD = {
    "sft": {"epochs": 1, "batch_size": 8, "optimizer": FAST},
    "reward_models": {"reward_model": {"fit": {"batch_size": 8, "optimizer": FAST}}},
    "reinforce": {
        "num_steps": 3,
        "batch_size": 4,
        "eval_every": 2,
        "ppo": {"num_epochs": 1},
        "optimizer": FAST,
    },
}


def recipe_of(folder: Path, task: Any) -> Recipe:
    if not (folder / "tiny").exists():
        tiny_model("llama", max_positions=512).save(folder / "tiny")
    return Recipe(
        description="Liking.",
        seed=1,
        model=ModelConfig(name=str(folder / "tiny")),
        task=task,
        method=RlhfConfig.from_tree(METHOD, source="test"),
        lengths=LengthConfig(max_prompt_tokens=300, max_new_tokens=8),
        compute=ComputeConfig(device="cpu", dtype="float32"),
    )


def results(folder: Path, task: Any, *, resume: bool = False) -> Any:
    return Driver(recipe_of(folder, task), folder / "run", progress=Silent()).run(resume=resume)


def test_every_policy_has_its_answers_and_rl_its_curve(tmp_path):
    found = results(tmp_path, RepliesTask(train_size=8, dev_size=4, test_size=6))
    for name in ("sft", "rlhf"):
        answers = found[name]["answers"]
        assert {"gold", "proxy", "kl", "length", "no_eos"} < set(answers)
        assert answers["gold"]["n"] == 6
        assert answers["proxy"]["low"] <= answers["proxy"]["value"] <= answers["proxy"]["high"]
        assert "greedy" in found[name]
    assert found["sft"]["answers"]["kl"]["value"] == 0.0
    assert found["rlhf"]["answers"]["kl"]["value"] != 0.0
    assert [point["step"] for point in found["rlhf"]["curve"]] == [0, 2, 3]
    assert found["rlhf"]["curve"][0]["kl"] == 0.0
    assert "curve" not in found["sft"]
    assert {"test", "shifted"} < set(found["reward_model"])


def test_answers_that_are_measured_are_not_measured_again(tmp_path):
    task = RepliesTask(train_size=8, dev_size=4, test_size=6)
    first = results(tmp_path, task)
    for name in ("02-reward_model", "03-rlhf"):
        shutil.rmtree(tmp_path / "run" / "stages" / name / "checkpoints", ignore_errors=True)
    again = results(tmp_path, task, resume=True)
    assert again["rlhf"]["answers"] == first["rlhf"]["answers"]
    assert again["rlhf"]["curve"] == first["rlhf"]["curve"]


def test_feedback_of_ones_own_needs_no_gold_reward(tmp_path):
    rows = [
        {"prompt": f"Say {n}.\n", "chosen": f"{n}, sir.", "rejected": f"{n}."} for n in range(24)
    ]
    for name, part in (("train", rows[:20]), ("test", rows[20:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    task = FeedbackRowsTask(train=tmp_path / "train.jsonl", test=tmp_path / "test.jsonl")
    found = results(tmp_path, task)
    assert {"proxy", "kl"} < set(found["rlhf"]["answers"])
    assert "gold" not in found["rlhf"]["answers"]
    assert "greedy" not in found["rlhf"]
    assert found["rlhf"]["curve"][0]["gold"] is None
