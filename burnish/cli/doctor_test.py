"""`burnish doctor` on a tiny random model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from burnish.cli.main import app
from burnish.models.tiny import tiny_model

ROWS = [
    {"question": f"What is {n} and {n + 1}?", "answer": str(2 * n + 1), "rationale": f"{n}."}
    for n in range(8)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return folder


def recipe_of(model: Path, folder: Path, **changes: Any) -> Path:
    """Rows of one's own."""
    rows = folder / "train.jsonl"
    rows.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS), encoding="utf-8")
    test = folder / "held_out.jsonl"
    test.write_text(
        json.dumps({"question": "Who?", "answer": "1", "rationale": "One."}) + "\n",
        encoding="utf-8",
    )
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(model)},
        "task": {
            "type": "rows",
            "train": str(rows),
            "test": str(test),
            "rationale_key": "rationale",
            "target_template": "{rationale}\nTherefore, the answer is: {answer}",
        },
        "method": {"type": "sft", "epochs": 2, "batch_size": 4},
        "lengths": {"max_prompt_tokens": 60, "max_new_tokens": 60},
        "compute": {"dtype": "float32", "device": "cpu"},
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def burnish(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return " ".join(result.output.replace("│", " ").split())


def test_a_healthy_recipe_is_shown_with_its_mask_its_checks_and_its_cost(model, tmp_path):
    out = tmp_path / "checks.json"
    shown = burnish("doctor", recipe_of(model, tmp_path), "--out", out)
    assert "what is learnt is green" in shown
    assert "Therefore, the answer is: 1" in shown
    assert "0 failed" in shown
    checks = {row["name"]: row for row in json.loads(out.read_text(encoding="utf-8"))["checks"]}
    assert checks["training and sampling use one template"]["verdict"] == "passed"
    assert checks["there is memory for the run"]["numbers"]["peak GiB"] > 0
    assert checks["a stopped stage goes on where it was"]["verdict"] == "passed"
    assert checks["policy and reference start as one"]["verdict"] == "skipped"


def test_a_question_of_train_in_test_fails_with_its_row_and_what_to_do(model, tmp_path):
    other = tmp_path / "test.jsonl"
    same = {**ROWS[3], "question": "what IS 3 and 4"}
    other.write_text(json.dumps(same) + "\n", encoding="utf-8")
    path = recipe_of(model, tmp_path)
    shown = burnish(
        "doctor", path, f"task.test={other}", "task.allow_overlap=true", "--steps", 0, exit_code=1
    )
    assert "what IS 3 and 4" in shown
    assert "What to do: Remove them from the split that is trained on." in shown


def test_a_bad_recipe_is_a_paragraph_and_exit_code_2(model, tmp_path):
    shown = burnish("doctor", recipe_of(model, tmp_path), "method.epoch=3", exit_code=2)
    assert "epochs" in shown
