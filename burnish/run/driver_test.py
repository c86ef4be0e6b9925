"""Whole runs of a tiny random model: what they leave behind, and that stopping changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from burnish.errors import CheckpointError, GraderError
from burnish.run.driver import Driver
from burnish.run.ownership import Stopped
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe
from burnish.training import workbench

REFT = {
    "type": "reft",
    "warm_up": {"epochs": 3, "batch_size": 8, "optimizer": {"learning_rate": 3e-3}},
    "reinforce": {
        "num_steps": 3,
        "batch_size": 2,
        "samples_per_problem": 2,
        "eval_every": 2,
        "optimizer": {"learning_rate": 1e-3, "schedule": "constant"},
    },
}
STAGES = ("01-warm_up", "02-reft")


class Interrupted(Exception):  # noqa: N818 stands for a kill: nothing is saved after it
    """The process died."""


class Watching(Silent):
    """Counts what it is told; stops or kills the run at a step of a stage, or while testing."""

    def __init__(self, *, stop: tuple[str, int] | None = None, kill: tuple[str, int] | None = None):
        self._stop, self._kill = stop, kill
        self._stage = ""
        self.steps: list[tuple[str, int]] = []
        self.warnings: list[str] = []

    def stage(self, name: str, num_done: int, num_steps: int) -> None:
        self._stage = name

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        self._at(self._stage, num_done)

    def note(self, text: str) -> None:
        self._at(text.split(" on ")[0], 0)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def _at(self, name: str, number: int) -> None:
        self.steps.append((name, number))
        if (name, number) == self._kill:
            raise Interrupted
        if (name, number) == self._stop:
            os.kill(os.getpid(), signal.SIGINT)


def tree_of(model_folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "description": "A tiny run.",
        "seed": 5,
        "model": {"name": str(model_folder)},
        "task": {
            "type": "arithmetic",
            "train_size": 8,
            "dev_size": 4,
            "test_size": 6,
            "min_steps": 1,
            "max_steps": 2,
        },
        "method": REFT,
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 5},
        "compute": {"dtype": "float32", "device": "cpu"},
        "evaluation": {"num_samples": 2},
        "checkpoint_every": 2,
    } | changes


def run(
    tree: dict[str, Any], folder: Path, progress: Watching | None = None, *, resume: bool = False
) -> dict[str, Any]:
    recipe = Recipe.from_tree(tree, source="test")
    return Driver(recipe, folder, progress=progress or Watching()).run(resume=resume)


def rows(folder: Path, log: str) -> list[dict[str, Any]]:
    lines = (folder / log).read_text(encoding="utf-8").splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if not k.endswith("time_s")} for line in lines
    ]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{stage}/{kind}/{name}": tensor
        for stage in STAGES
        for kind in ("last", "selected")
        for name, tensor in load_file(
            folder / "stages" / stage / kind / "model.safetensors"
        ).items()
    }


def timeless(results: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in results.items() if key != "seconds"}


@pytest.fixture(scope="module")
def finished(model_folder, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return folder, run(tree_of(model_folder), folder)


def assert_same_run(folder: Path, results: dict[str, Any], finished) -> None:
    whole, expected = finished
    assert timeless(results) == timeless(expected)
    for log in ("metrics.jsonl", "samples.jsonl", "tokens.jsonl"):
        assert rows(folder, log) == rows(whole, log)
    found, wanted = weights(folder), weights(whole)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_run_folder_holds_what_it_promises(finished):
    folder, results = finished
    assert Recipe.from_tree(yaml.safe_load((folder / "config.yaml").read_text()), source="x")
    assert json.loads((folder / "results.json").read_text()) == results
    assert [path.name for path in sorted((folder / "stages").iterdir())] == list(STAGES)
    steps = [(row["stage"], row["step"]) for row in rows(folder, "metrics.jsonl")]
    assert steps == [(name, step) for name in ("warm_up", "reft") for step in (1, 2, 3)]
    samples = rows(folder, "samples.jsonl")
    assert {row["split"] for row in samples} == {"train", "test"}
    fields = {"prompt", "text", "answer", "gold", "reward", "is_correct", "stop_reason"}
    assert all(fields <= row.keys() for row in samples)
    tokens = rows(folder, "tokens.jsonl")
    assert all(len(row["tokens"]) == len(row["advantage"]) for row in tokens)


def test_metrics_hold_what_the_curves_of_the_report_need(finished):
    folder, _ = finished
    *_, last = rows(folder, "metrics.jsonl")
    assert {
        "dev/accuracy",
        "ppo/clip_fraction",
        "ppo/kl",
        "ppo/logp_gap",
        "ppo/value_loss",
        "rollout/entropy",
        "rollout/length",
        "rollout/reward",
        "train/grad_norm",
        "train/loss",
    } <= last.keys()


def test_steps_that_grade_say_how_long_it_took(finished):
    folder, _ = finished
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    timed = [
        (row["stage"], row["step"]) for row in map(json.loads, lines) if "grader/time_s" in row
    ]
    assert timed == [(stage, step) for stage in ("warm_up", "reft") for step in (1, 2, 3)]


@pytest.mark.parametrize(("split", "num_asked"), [("train", 4), ("dev", 4), ("test", 6)])
def test_more_ungraded_samples_than_the_recipe_allows_stop_the_run(
    split, num_asked, model_folder, tmp_path
):
    file = tmp_path / "rewards.py"
    file.write_text(
        f"def grade(sample, item):\n    return {{}}['level'] if '-{split}-' in item['id'] else 0\n"
    )
    grader = {"type": "function", "path": f"{file}:grade"}
    reason = rf"{num_asked} of {num_asked} .*function: {num_asked}.*50%.*raised KeyError: 'level'"
    with pytest.raises(GraderError, match=reason):
        run(tree_of(model_folder, grader=grader, max_grader_failures=0.5), tmp_path / "run")


def test_results_have_the_shape_that_is_promised(finished):
    _, results = finished
    assert {"warm_up", "reft", "paired", "paired_p", "seconds", "test_size"} <= results.keys()
    assert results["test_size"] == 6
    assert results["seconds"] > 0
    assert 0 <= results["paired_p"] <= 1
    for name in ("warm_up", "reft"):
        assert {"value", "low", "high"} <= results[name]["greedy"].keys()
        assert {"vote@2", "pass@2"} <= results[name].keys()


def test_last_and_selected_model_are_both_reported_and_the_selected_one_is_the_best_on_dev(
    finished,
):
    folder, results = finished
    dev = [
        (row["step"], row["dev/accuracy"])
        for row in rows(folder, "metrics.jsonl")
        if row["stage"] == "reft" and "dev/accuracy" in row
    ]
    assert [step for step, _ in dev] == [2, 3]
    best = max(accuracy for _, accuracy in dev)
    first_best = next(step for step, accuracy in dev if accuracy == best)
    assert results["reft"]["selected_step"] == first_best
    assert results["reft"]["model"] == "selected"
    assert "greedy" in results["reft"]["last"]
    assert results["warm_up"]["model"] == "last"
    assert "greedy" in results["warm_up"]["selected"]


def test_reft_starts_from_the_last_model_of_the_warm_up(finished):
    folder, _ = finished
    first = next(row for row in rows(folder, "metrics.jsonl") if row["stage"] == "reft")
    assert first["ppo/kl"] == 0.0
    found = weights(folder)
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(found[f"01-warm_up/last/{name}"], found[f"02-reft/last/{name}"])


STOPS = [("warm_up", 1), ("warm_up", 3), ("reft", 2), ("reft", 3), ("testing reft", 0)]


@pytest.mark.parametrize("place", STOPS, ids=str)
def test_a_run_stopped_by_a_signal_and_resumed_is_the_run_that_was_never_stopped(
    place, model_folder, tmp_path, finished
):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped) as stopped:
        run(tree_of(model_folder), tmp_path / "run", Watching(stop=place))
    assert stopped.value.signal_number == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is handler
    assert not (tmp_path / "run" / "results.json").exists()

    progress = Watching()
    results = run(tree_of(model_folder), tmp_path / "run", progress, resume=True)

    if place[1]:
        assert place not in progress.steps, "the step was saved, so it is not made again"
    assert_same_run(tmp_path / "run", results, finished)


KILLS = [("warm_up", 1), ("reft", 1), ("reft", 3), ("testing reft", 0)]


@pytest.mark.parametrize("place", KILLS, ids=str)
def test_a_run_that_was_killed_and_resumed_is_the_run_that_was_never_killed(
    place, model_folder, tmp_path, finished
):
    with pytest.raises(Interrupted):
        run(tree_of(model_folder), tmp_path / "run", Watching(kill=place))
    if place[1]:
        with (tmp_path / "run" / "metrics.jsonl").open("a") as log:
            log.write('{"stage": "reft", "st')  # a line that was being written

    results = run(tree_of(model_folder), tmp_path / "run", resume=True)

    assert_same_run(tmp_path / "run", results, finished)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(
    model_folder, tmp_path, finished
):
    tree = tree_of(model_folder, checkpoint_every=1)
    with pytest.raises(Interrupted):
        run(tree, tmp_path / "run", Watching(kill=("reft", 3)))
    newest = tmp_path / "run" / "stages" / "02-reft" / "checkpoints" / "step-000002"
    (newest / "state.pt").write_bytes(b"damaged")
    progress = Watching()

    results = run(tree, tmp_path / "run", progress, resume=True)

    assert "step-000002" in progress.warnings[0]
    assert ("reft", 2) in progress.steps
    assert_same_run(tmp_path / "run", results, finished)


def test_finished_stages_and_evaluations_are_not_made_again(model_folder, tmp_path, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    made = {path: path.stat().st_mtime_ns for path in folder.glob("stages/*/test/*.json")}
    assert len(made) >= 4
    for path in folder.glob("stages/*/*/model.safetensors"):
        path.unlink()  # whoever needs a model again fails

    results = run(tree_of(model_folder), folder, resume=True)

    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert timeless(results) == timeless(finished[1])


def test_a_folder_with_a_run_in_it_is_not_used_again_without_resume(model_folder, finished):
    before = (finished[0] / "metrics.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match=r"holds a run already.*--resume"):
        run(tree_of(model_folder), finished[0])
    assert (finished[0] / "metrics.jsonl").read_bytes() == before


def test_a_run_is_not_continued_with_another_recipe_and_the_changed_keys_are_named(
    model_folder, finished
):
    changed = REFT | {"reinforce": REFT["reinforce"] | {"kl_coef": 0.5}}
    with pytest.raises(CheckpointError) as caught:
        run(tree_of(model_folder, method=changed, seed=6), finished[0], resume=True)
    assert "another recipe: method.reinforce.kl_coef, seed differ" in str(caught.value)


def test_an_automatic_dtype_is_decided_once(model_folder, tmp_path, monkeypatch):
    method = {"type": "sft", "epochs": 2, "batch_size": 8}
    tree = tree_of(model_folder, method=method, compute={"device": "cpu"}, checkpoint_every=1)
    monkeypatch.setattr(workbench, "faster_dtype", lambda _: torch.bfloat16)
    with pytest.raises(Stopped):
        run(tree, tmp_path / "run", Watching(stop=("sft", 1)))
    monkeypatch.setattr(workbench, "faster_dtype", lambda _: torch.float32)

    results = run(tree, tmp_path / "run", resume=True)

    assert results["sft"]["steps"] == 2
    recorded = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text(encoding="utf-8"))
    assert recorded["compute"]["dtype"] == "bfloat16"


def test_resume_of_a_run_that_never_began_begins_it(model_folder, tmp_path):
    tree = tree_of(model_folder, method={"type": "sft", "epochs": 2, "batch_size": 8})
    results = run(tree, tmp_path / "run", resume=True)
    assert results["sft"]["steps"] == 2
    assert results["sft"]["model"] == "selected"
    assert results["paired"] == {}


def test_sft_stops_by_patience_on_the_dev_split(model_folder, tmp_path):
    """A random model is never right, so the first evaluation stays the best."""
    method = {"type": "sft", "epochs": 9, "batch_size": 8, "patience": 2, "eval_every": 1}
    tree = tree_of(model_folder, method=method, evaluation={"num_samples": 0})
    results = run(tree, tmp_path / "run")
    assert results["sft"]["steps"] == 3
    assert results["sft"]["selected_step"] == 1


def test_the_selected_model_is_that_of_the_step_that_was_best_on_dev(
    model_folder, tmp_path, monkeypatch
):
    optimizer = {"learning_rate": 1e-3, "schedule": "constant"}

    def results_of(epochs: int, dev: list[float]) -> dict[str, Any]:
        values = iter(dev)
        measure = lambda: {"dev/accuracy": next(values)}  # noqa: E731
        monkeypatch.setattr("burnish.run.driver.measure_of_accuracy", lambda *_: measure)
        method = {"type": "sft", "epochs": epochs, "batch_size": 8, "optimizer": optimizer}
        return run(tree_of(model_folder, method=method), tmp_path / f"{epochs}")

    def model(epochs: int, kind: str) -> dict[str, torch.Tensor]:
        return load_file(tmp_path / f"{epochs}/stages/01-sft/{kind}/model.safetensors")

    results = results_of(4, [0.1, 0.7, 0.7, 0.3])
    results_of(2, [0.1, 0.2])

    assert results["sft"]["selected_step"] == 2
    best, last = model(4, "selected"), model(4, "last")
    assert all(torch.equal(best[name], tensor) for name, tensor in model(2, "last").items())
    assert not all(torch.equal(best[name], last[name]) for name in best)


def test_sft_baseline_starts_from_the_warm_up_too(model_folder, tmp_path):
    sft = {"epochs": 1, "batch_size": 8, "optimizer": {"learning_rate": 1e-12}}
    method = REFT | {"sft": sft, "reinforce": REFT["reinforce"] | {"num_steps": 1}}
    folder = tmp_path / "run"
    results = run(tree_of(model_folder, method=method), folder)
    assert list(results["paired"]) == ["reft - warm_up", "reft - sft"]
    warm_up = load_file(folder / "stages" / "01-warm_up" / "last" / "model.safetensors")
    sft_weights = load_file(folder / "stages" / "02-sft" / "last" / "model.safetensors")
    assert all(torch.allclose(warm_up[name], sft_weights[name], atol=1e-9) for name in warm_up)
