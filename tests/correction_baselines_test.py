"""Whole tiny runs of SCoRe's offline baselines: results, what stays in the folder, resuming."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from burnish.errors import DataError
from burnish.models.tiny import tiny_model
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe

GRADER = "def f(solution_str):\n    return float(sum(map(ord, solution_str)) % 2)\n"
SAMPLE = {"num_problems": 4, "samples_per_problem": 3, "batch_size": 2}
TRAIN = {
    "num_steps": 3,
    "batch_size": 2,
    "eval_every": 2,
    "optimizer": {"learning_rate": 1e-2, "schedule": "constant"},
}
CORRECTION = {"instruction": "Once more."}
STAR: dict[str, Any] = {
    "type": "star_correction",
    "correction": CORRECTION,
    "iterations": 2,
    "sample": SAMPLE,
    "train": TRAIN,
}
STAGES = ["01-sample_1", "02-train_1", "03-sample_2", "04-train_2"]


class Killed(Exception):  # noqa: N818 stands for a kill: nothing is saved after it
    """The process died."""


class KilledAt(Silent):
    """Kills the run after a step of a stage."""

    def __init__(self, name: str, number: int) -> None:
        self._fatal = (name, number)
        self._stage = ""

    def stage(self, name: str, num_done: int, num_steps: int) -> None:
        self._stage = name

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        if (self._stage, num_done) == self._fatal:
            raise Killed


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A tiny random model and a grader that finds about half of its attempts right."""
    folder = tmp_path_factory.mktemp("baselines")
    tiny_model("llama", max_positions=512).save(folder / "model")
    (folder / "odd.py").write_text(GRADER)
    (folder / "never.py").write_text("def f(solution_str):\n    return 0.0\n")
    return folder


def recipe(home: Path, method: dict[str, Any], *, grader: str = "odd") -> Recipe:
    tree = {
        "description": "A tiny run.",
        "seed": 5,
        "model": {"name": str(home / "model")},
        "task": {"type": "arithmetic", "train_size": 6, "dev_size": 4, "test_size": 6},
        "grader": {"type": "function", "path": f"{home / grader}.py:f"},
        "method": method,
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 5},
        "compute": {"dtype": "float32", "device": "cpu"},
        "checkpoint_every": 2,
    }
    return Recipe.from_tree(tree, source="test")


def run(
    made: Recipe, folder: Path, *, progress: Silent | None = None, resume: bool = False
) -> dict[str, Any]:
    return Driver(made, folder, progress=progress or Silent()).run(resume=resume)


def timeless(results: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in results.items() if key != "seconds"}


def logged(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{k: v for k, v in row.items() if not k.endswith("time_s")} for row in rows]


@pytest.fixture(scope="module")
def star(home) -> tuple[Path, dict[str, Any]]:
    folder = home / "star"
    return folder, run(recipe(home, STAR), folder)


def test_every_round_is_tested_against_the_base(star):
    _, results = star
    for name in ("base", "train_1", "train_2"):
        found = results[name]
        assert found["greedy"] == found["accuracy_t2"]
        assert sum(found["t1-t2"]["counts"].values()) == results["test_size"] == 6
    assert set(results["paired"]) == {"train_2 - base", "train_2 - train_1"}
    assert results["paired_p"] == results["paired"]["train_2 - base"]["p"]
    assert isinstance(results["alarms"], list)


def test_models_chosen_by_training_reward_are_not_reported_where_there_are_none(star):
    _, results = star
    found = results["train_2"]
    assert found["model"] == "selected"
    assert found["steps"] == 3
    assert found["selected_step"] in (2, 3)
    assert "last" in found
    assert "rewarded" not in found
    assert "rewarded_step" not in found


def test_what_was_sampled_and_kept_stays_in_the_run_and_is_counted(star):
    folder, results = star
    assert set(results["sampled"]) == {"sample_1", "sample_2"}
    for name in ("01-sample_1", "03-sample_2"):
        stage = folder / "stages" / name
        kept = [json.loads(line) for line in (stage / "kept.jsonl").read_text().splitlines()]
        counts = results["sampled"][name.partition("-")[2]]
        assert counts["chains"] == len((stage / "chains.jsonl").read_text().splitlines()) == 12
        assert counts["kept"] == len(kept) > 0
        assert {row["kind"] for row in kept} == {"wrong_to_right"}
        assert all(row["first"] != row["second"] for row in kept)


def test_every_step_has_its_metrics_and_every_checkpoint_its_dev_accuracy(star):
    folder, _ = star
    rows = logged(folder)
    assert [row["stage"] for row in rows] == [
        *["sample_1"] * 2,
        *["train_1"] * 3,
        *["sample_2"] * 2,
        *["train_2"] * 3,
    ]
    assert {"rollout/accuracy_t1", "rollout/accuracy_t2"} <= rows[0].keys()
    assert {"train/loss", "train/grad_norm"} <= rows[2].keys()
    assert [row["step"] for row in rows if "dev/accuracy" in row] == [2, 3, 2, 3]
    assert all(r["dev/accuracy"] == r["dev/accuracy_t2"] for r in rows if "dev/accuracy" in r)


@pytest.mark.parametrize(
    ("stage", "step"), [("sample_1", 1), ("train_1", 3), ("sample_2", 2), ("train_2", 2)]
)
def test_run_that_was_killed_and_resumed_ends_as_one_that_was_not(
    star, home, tmp_path, stage, step
):
    whole, expected = star
    with pytest.raises(Killed):
        run(recipe(home, STAR), tmp_path, progress=KilledAt(stage, step))
    results = run(recipe(home, STAR), tmp_path, resume=True)
    assert timeless(results) == timeless(expected)
    assert logged(tmp_path) == logged(whole)
    for name in STAGES:
        for kind in ("chains.jsonl", "kept.jsonl", "counts.json"):
            path = whole / "stages" / name / kind
            assert not path.exists() or (
                (tmp_path / "stages" / name / kind).read_bytes() == path.read_bytes()
            )
        for kind in ("last", "selected"):
            path = whole / "stages" / name / kind / "model.safetensors"
            if path.exists():
                found = load_file(tmp_path / "stages" / name / kind / "model.safetensors")
                wanted = load_file(path)
                assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_pair_sft_is_tested_as_score_is(home):
    method = {"type": "pair_sft", "correction": CORRECTION, "sample": SAMPLE, "train": TRAIN}
    results = run(recipe(home, method), home / "pair")
    assert set(results["paired"]) == {"train - base"}
    assert {"accuracy_t1", "accuracy_t2", "t1-t2", "last"} <= results["train"].keys()
    counts = results["sampled"]["sample"]
    assert counts["kept"] == counts["kept_wrong_to_right"] > 0


def test_self_refine_reports_the_base_model_alone(home):
    method = {"type": "self_refine", "correction": CORRECTION}
    results = run(recipe(home, method), home / "refine")
    assert results["base"]["greedy"] == results["base"]["accuracy_t2"]
    assert results["paired"] == {}
    assert "paired_p" not in results
    assert "sampled" not in results
    (row,) = logged(home / "refine")
    assert (row["stage"], row["step"]) == ("prompting", 1)
    assert row["dev/accuracy"] == row["dev/accuracy_t2"]


def test_base_model_has_the_same_numbers_in_every_method(home, star):
    _, results = star
    method = {"type": "self_refine", "correction": CORRECTION}
    again = run(recipe(home, method), home / "again")
    assert again["base"] == results["base"]


@pytest.mark.parametrize("method", [STAR, {**STAR, "type": "pair_sft"}])
def test_nothing_to_imitate_is_an_error_also_when_the_run_is_resumed(home, tmp_path, method):
    method = dict(method)
    if method["type"] == "pair_sft":
        del method["iterations"]
    for resume in (False, True):
        with pytest.raises(DataError, match="nothing to train on"):
            run(recipe(home, method, grader="never"), tmp_path, resume=resume)
    (sampled,) = tmp_path.glob("stages/01-*")
    assert len((sampled / "chains.jsonl").read_text().splitlines()) == 12
