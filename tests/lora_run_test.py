"""Whole runs with `model.lora`: what they leave behind, and that stopping changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from typer.testing import CliRunner, Result

from burnish.cli.main import app
from burnish.run.driver import Driver
from burnish.run.ownership import Stopped
from burnish.run.progress import Silent
from burnish.run.recipe import load_recipe

OPTIMIZER = {"learning_rate": 3e-3, "schedule": "constant"}
REFT = {
    "type": "reft",
    "warm_up": {"epochs": 2, "batch_size": 8, "optimizer": OPTIMIZER},
    "reinforce": {
        "num_steps": 2,
        "batch_size": 2,
        "samples_per_problem": 2,
        "eval_every": 1,
        "critic": "separate",
        "optimizer": OPTIMIZER,
    },
}


@pytest.fixture(scope="module")
def recipe(model_folder: Path, tmp_path_factory) -> Path:
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(model_folder), "lora": {"rank": 4, "save_merged": True}},
        "task": {"type": "arithmetic", "train_size": 8, "dev_size": 2, "test_size": 2},
        "method": REFT,
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
        "checkpoint_every": 1,
    }
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


class Stopping(Silent):
    """Asks the run to stop after so many of its steps."""

    def __init__(self, driver_steps: int) -> None:
        self._left = driver_steps

    def step(self, num_done: int, metrics: Any) -> None:
        self._left -= 1
        if self._left == 0:
            raise Stopped(2)


def run(recipe: Path, folder: Path, *overrides: str) -> None:
    Driver(load_recipe(recipe, overrides), folder, progress=Silent()).run(resume=folder.exists())


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(recipe, folder)
    return folder


def adapters(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.relative_to(folder)}/{name}": tensor
        for path in folder.glob("stages/*/*/adapter_model.safetensors")
        for name, tensor in load_file(path).items()
    }


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [{k: v for k, v in row.items() if not k.endswith("time_s")} for row in lines]


def test_every_stage_hands_on_an_adapter_and_the_second_one_continues_the_first(finished):
    found = adapters(finished)
    assert len(found) == 4 * 28
    reft = [row for row in rows(finished) if row["stage"] == "reft"]
    assert reft[0]["ppo/kl"] == 0.0
    assert reft[1]["ppo/kl"] != 0.0
    assert all(row["ppo/logp_gap"] < 1e-3 for row in reft)


def test_checkpoints_hold_the_adapters_and_not_the_weights_below(finished, model_folder):
    base = sum(t.numel() for t in load_file(model_folder / "model.safetensors").values())
    for path in finished.glob("stages/*/checkpoints/*/state.pt"):
        state = torch.load(path, weights_only=True)
        modules = state["learner"]["modules"]
        names = [*modules["policy"], *modules.get("critic", {}), *state["selection"]["weights"]]
        assert all(".lora_" in name or name.startswith("head.") for name in names)
        assert sum(t.numel() for t in modules["policy"].values()) < base / 2


def test_a_merged_copy_stands_in_each_model_folder(finished):
    model = finished / "stages" / "02-reft" / "selected"
    tokens = torch.arange(5, 25)[None]
    ours = AutoModelForCausalLM.from_pretrained(model).eval()(tokens).logits
    merged = AutoModelForCausalLM.from_pretrained(model / "merged").eval()(tokens).logits
    torch.testing.assert_close(merged, ours, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_steps", [1, 3])
def test_a_run_that_was_cut_and_resumed_is_the_run_that_was_not(
    num_steps, recipe, finished, tmp_path
):
    folder = tmp_path / "cut"
    with pytest.raises(Stopped):
        Driver(load_recipe(recipe), folder, progress=Stopping(num_steps)).run(resume=False)
    run(recipe, folder)
    assert rows(folder) == rows(finished)
    ours, theirs = adapters(folder), adapters(finished)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def burnish(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.mark.parametrize("override", [(), ("model.lora=null",)], ids=["adapter", "merged"])
def test_eval_and_sample_work_on_an_adapters_folder(override, recipe, finished, tmp_path):
    model = finished / "stages" / "02-reft" / "selected"
    burnish("eval", recipe, *override, "--model", model, "--out", tmp_path / "numbers.json")
    found = json.loads((tmp_path / "numbers.json").read_text())[str(model)]["greedy"]["value"]
    known = json.loads((finished / "results.json").read_text())["reft"]["greedy"]["value"]
    assert found == known
    assert burnish("sample", recipe, *override, "--model", model, "--question", "12?").output


def test_a_reranker_trains_an_adapter_on_a_policys_adapter_and_is_saved_whole(
    recipe, finished, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "burnish.methods.reranker.classify._check_both_classes", lambda *_: None
    )  # a random model is never right
    policy = finished / "stages" / "01-warm_up" / "last"
    method = f"method={{type: reranker, policy: {policy}, samples: {{num_samples: 2, "
    method += "num_dev_samples: 2}, classify: {epochs: 1}}"
    run(recipe, tmp_path / "run", method, "evaluation.num_samples=2")
    saved = tmp_path / "run" / "stages" / "02-reranker" / "last"
    assert AutoModelForSequenceClassification.from_pretrained(saved).config.num_labels == 2
    assert not (saved / "adapter_config.json").exists()
