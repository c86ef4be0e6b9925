"""Each command does its work on a tiny random model."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from burnish.cli.main import app
from burnish.run.driver import Driver
from burnish.run.ownership import Stopped


@pytest.fixture
def recipe(model_folder: Path, tmp_path: Path) -> Path:
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(model_folder)},
        "task": {"type": "arithmetic", "train_size": 4, "dev_size": 2, "test_size": 3},
        "method": {"type": "sft", "epochs": 1, "batch_size": 4},
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def burnish(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def test_train_writes_a_run_with_a_report_into_a_folder_named_after_the_recipe(
    recipe, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = burnish("train", recipe, "seed=7")
    folder = tmp_path / "runs" / "tiny"
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 7
    assert json.loads((folder / "results.json").read_text())["test_size"] == 3
    assert "<html" in (folder / "report.html").read_text()
    assert "sft" in result.output


def test_resume_of_a_finished_run_prints_its_table_again(recipe, tmp_path):
    burnish("train", recipe, "--out", tmp_path / "run")
    result = burnish("train", recipe, "--out", tmp_path / "run", "--resume")
    assert "accuracy on 3 problems" in " ".join(result.output.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on_and_exits_as_signals_do(
    recipe, tmp_path, monkeypatch, number
):
    def run(*_arguments: object, **_named: object) -> None:
        raise Stopped(number)

    monkeypatch.setattr(Driver, "run", run)
    result = CliRunner().invoke(app, ["train", str(recipe), "--out", str(tmp_path / "run")])
    assert result.exit_code == 128 + number
    assert "--resume" in result.output


def test_eval_compares_models_and_writes_their_numbers(recipe, model_folder, tmp_path):
    burnish("train", recipe, "method.epochs=3", "--out", tmp_path / "run")
    trained = tmp_path / "run" / "stages" / "01-sft" / "last"
    out = tmp_path / "numbers.json"
    models = ["--model", str(trained), "--model", str(model_folder)]
    burnish("eval", recipe, *models, "--samples", "2", "--out", out, "--split", "dev")
    numbers = json.loads(out.read_text())
    assert {"greedy", "vote@2", "pass@2"} <= numbers[str(trained)].keys()
    assert list(numbers["paired"]) == [f"{trained} - {model_folder}"]
    assert numbers["test_size"] == 2


def test_eval_of_a_model_alone_takes_the_one_of_the_recipe(recipe, model_folder, tmp_path):
    burnish("eval", recipe, "--out", tmp_path / "numbers.json")
    assert str(model_folder) in json.loads((tmp_path / "numbers.json").read_text())


def test_sample_prints_test_problems_with_their_scores(recipe):
    output = burnish("sample", recipe, "--limit", "2", "-n", "2", "--temperature", "1").output
    assert output.count("gold ") == 4
    assert "arithmetic-0-test-1" in output
    assert "arithmetic-0-test-2" not in output


def test_sample_answers_a_question_of_ones_own(recipe):
    output = burnish("sample", recipe, "--question", "How many [red]apples?", "-n", "3").output
    assert output
    assert "gold" not in output


def test_sample_writes_all_problems_of_a_split_with_their_verdicts(recipe, tmp_path):
    out = tmp_path / "samples.jsonl"
    options = ["--split", "dev", "--limit", "0", "-n", "2", "--temperature", "1", "--out", out]
    output = burnish("sample", recipe, *options).output
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert "wrote 4 samples" in output
    assert "gold" not in output
    assert [(row["id"], row["sample"]) for row in rows] == [
        (f"arithmetic-0-{name}", n) for name in ("dev-0", "dev-1") for n in (0, 1)
    ]
    assert all(isinstance(row["is_correct"], bool) and row["reward"] >= 0 for row in rows)


def test_report_of_a_run_can_be_written_again(recipe, tmp_path):
    burnish("train", recipe, "--out", tmp_path / "run")
    (tmp_path / "run" / "report.html").unlink()
    assert "report.html" in burnish("report", tmp_path / "run").output
    assert (tmp_path / "run" / "report.html").exists()


def test_recipes_are_listed_with_method_model_and_description(recipe):
    listed = burnish("recipes", recipe.parent).output
    letters = "".join(listed.split())
    assert "sft" in letters
    assert "Atinyrun." in letters
    columns = [line.split()[0] for line in listed.splitlines()[1:]]
    assert "".join(columns).startswith(str(recipe.parent)[:10])
    assert "\u2026" not in listed, "nothing is cut off"
