"""`burnish eval` beyond the greedy answer: several attempts, budgets, runs in place of recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from burnish.cli.evaluation import Wanted, budgets_named
from burnish.cli.main import app
from burnish.errors import ConfigError
from burnish.models.tiny import tiny_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two tiny models with room for two attempts."""
    found = []
    for seed in (0, 1):
        folder = tmp_path_factory.mktemp("models") / f"tiny{seed}"
        tiny_model("llama", max_positions=512, seed=seed).save(folder)
        found.append(folder)
    return found


@pytest.fixture
def recipe(folders: list[Path], tmp_path: Path) -> Path:
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(folders[0])},
        "task": {"type": "arithmetic", "train_size": 4, "dev_size": 2, "test_size": 3},
        "method": {"type": "sft", "epochs": 1, "batch_size": 4},
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return " ".join(result.output.split())


def measured(folder: Path, *arguments: object) -> dict[str, Any]:
    run("eval", *arguments, "--out", folder / "numbers.json")
    return json.loads((folder / "numbers.json").read_text(encoding="utf-8"))


def test_turns_with_samples_also_measure_sampled_chains(recipe, tmp_path):
    settings = ["--turns", "2", "--samples", "3", "--temperature", "0.8"]
    (numbers,) = (
        row for row in measured(tmp_path, recipe, *settings).values() if isinstance(row, dict)
    )
    sampled = numbers["sampled_attempts"]
    assert (sampled["temperature"], sampled["samples"]) == (0.8, 3)
    assert sum(numbers["t1-t2"]["counts"].values()) == 3
    assert sum(sampled["t1-t2"]["counts"].values()) == 3 * 3
    assert "0.8" in run("eval", recipe, *settings)


def test_turns_measure_self_correction_of_each_model_and_compare_last_attempts(
    recipe, folders, tmp_path
):
    models = ["--model", folders[0], "--model", folders[1]]
    numbers = measured(tmp_path, recipe, *models, "--turns", "3", "--instruction", "Again.")
    for folder in folders:
        found = numbers[str(folder)]
        assert {"accuracy_t1", "accuracy_t3", "t1-t2", "t2-t3"} <= found.keys()
        assert found["greedy"] == found["accuracy_t3"]
    pair = f"{folders[0]} - {folders[1]}"
    assert list(numbers["paired"]) == [pair]
    assert list(numbers["alarms"]) == [pair]


def test_first_of_several_attempts_is_the_greedy_answer(recipe, folders, tmp_path):
    once = measured(tmp_path, recipe)[str(folders[0])]
    twice = measured(tmp_path, recipe, "--turns", "2", "--instruction", "{prompt}")
    assert twice[str(folders[0])]["accuracy_t1"] == once["greedy"]
    assert "t1-t2" not in once


def test_inference_scaling_has_both_ways_to_spend_each_budget(recipe, folders, tmp_path):
    numbers = measured(tmp_path, recipe, "--inference-scaling", "4,2", "--instruction", "Again.")
    found = numbers[str(folders[0])]["inference_scaling"]
    assert list(found) == ["temperature", "single", "2", "4"]
    assert found["temperature"] == 0.7
    assert {"parallel", "corrected", "paired", "sampled_tokens"} <= found["4"].keys()
    assert "accuracy_t1" not in numbers[str(folders[0])], "--turns was not given"


def test_temperature_of_samples_can_be_chosen(recipe, tmp_path):
    options = ["model.name=builtin:arithmetic", "lengths.max_new_tokens=64", "--samples", "4"]
    hot, cold = (
        measured(
            tmp_path, recipe, *options, "--inference-scaling", "2", "--temperature", temperature
        )["builtin:arithmetic"]
        for temperature in (30, 0.0001)
    )
    assert cold["accuracy"]["value"] == cold["greedy"]["value"] > 0 == hot["accuracy"]["value"]
    single = [found["inference_scaling"]["single"]["value"] for found in (hot, cold)]
    assert single == [0, cold["greedy"]["value"]]


def test_a_runs_folder_stands_for_its_recipe_and_its_last_model(recipe, tmp_path):
    run("train", recipe, "--out", tmp_path / "run")
    numbers = measured(tmp_path, tmp_path / "run", "--split", "dev")
    assert str(tmp_path / "run" / "stages" / "01-sft" / "selected") in numbers
    assert numbers["test_size"] == 2


def test_a_runs_folder_without_a_model_is_an_error(recipe, tmp_path):
    run("train", recipe, "--out", tmp_path / "run")
    (tmp_path / "run" / "stages" / "01-sft" / "stage.json").unlink()
    (tmp_path / "run" / "results.json").unlink()
    assert "has no trained model" in run("eval", tmp_path / "run", exit_code=2)


def test_a_run_that_trains_nothing_stands_for_the_model_of_its_recipe(recipe, folders, tmp_path):
    tree = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    tree["method"] = {"type": "self_refine", "correction": {"instruction": "Again."}}
    recipe.write_text(yaml.safe_dump(tree), encoding="utf-8")
    run("train", recipe, "--out", tmp_path / "run")
    assert str(folders[0]) in measured(tmp_path, tmp_path / "run", "--turns", "2")


def test_a_context_too_small_for_two_attempts_is_an_error_before_any_is_made(recipe):
    output = run("eval", recipe, "--turns", "2", "lengths.max_new_tokens=400", exit_code=2)
    assert "too small for 2 turns" in output


def test_an_instruction_that_holds_an_answer_is_an_error(recipe):
    told = ["--instruction", "Is it {answer}?"]
    assert "would tell the model the answer" in run(
        "eval", recipe, "--turns", "2", *told, exit_code=2
    )


@pytest.mark.parametrize("text", ["3", "2,x", "0", "", "2,,4"])
def test_budgets_that_cannot_be_halved_are_an_error(text):
    with pytest.raises(ConfigError, match="expected even numbers with commas"):
        budgets_named(text)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(reranker=Path("x")), "--samples K"),
        (Wanted(num_turns=0), "once or more often"),
        (Wanted(instruction="Again."), "add --turns 2"),
        (Wanted(temperature=0.0), "above 0"),
    ],
)
def test_options_that_do_not_go_together_are_an_error(wanted, message):
    with pytest.raises(ConfigError, match=message):
        wanted.check()
