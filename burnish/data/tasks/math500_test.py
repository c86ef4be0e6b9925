from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from burnish.data.jsonl import Row
from burnish.data.tasks.math500 import Math500Task
from burnish.errors import DataError
from burnish.types import Message

OWN = {
    "problem": " What is $x$ if $2x = 1$? ",
    "solution": "Half of one, so $x = \\boxed{\\frac{1}{2}}$.",
    "answer": "\\frac{1}{2}",
    "subject": "Algebra",
    "level": 1,
    "unique_id": "own/1",
}


def task_with(folder: Path, *train: dict[str, Any], **settings: Any) -> Math500Task:
    for part, rows in (("test", [OWN]), ("train", train)):
        path = folder / "math500" / f"{part}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return Math500Task(folder=folder, **settings)


def train_row(question: str, solution: str = "So \\boxed{3}.") -> dict[str, Any]:
    return {"problem": question, "solution": solution}


def test_prompt_has_instruction_and_problem_and_the_target_closes_as_it_wants(tmp_path):
    task = task_with(tmp_path, instruction="Solve it.")
    (problem,) = task.problems("test")
    assert task.prompt(problem) == (
        "Solve it.\n\nProblem:\nWhat is $x$ if $2x = 1$?\n\nSolution:\n"
    )
    assert task.prompt(problem).endswith(task.opening(problem))
    assert task.target(problem).endswith("}}$.\nTherefore, the answer is: $\\frac{1}{2}$")
    assert (problem.id, problem.fields["level"], task.answer_kind) == ("own/1", 1, "math")


def test_instruction_asks_for_the_closing_line_that_the_target_has(tmp_path):
    task = task_with(tmp_path)
    (problem,) = task.problems("test")
    assert "Therefore, the answer is: $answer$" in task.prompt(problem)
    assert "Therefore, the answer is: $" in task.target(problem)


def test_chat_asks_the_same_as_the_users_message(tmp_path):
    task = task_with(tmp_path, instruction="Solve it.", form="chat")
    (problem,) = task.problems("test")
    assert problem.messages == (Message("user", "Solve it.\n\nWhat is $x$ if $2x = 1$?"),)
    assert task.prompt(problem) == problem.messages[0].content


def test_training_rows_may_leave_the_answer_in_the_last_box_and_dev_is_taken_from_them(tmp_path):
    nested = "First \\boxed{1}, then \\boxed{\\frac{a}{b}}."
    task = task_with(tmp_path, *(train_row(f"Number {n}?", nested) for n in range(20)))
    train, dev = task.problems("train"), task.problems("dev")
    assert (len(train), len(dev)) == (18, 2)
    assert {problem.answer for problem in train + dev} == {"\\frac{a}{b}"}


@pytest.mark.parametrize("solution", ["It is 3.", "It is \\boxed{3."])
def test_training_row_without_any_answer_is_named(tmp_path, solution):
    task = task_with(tmp_path, train_row("One?"), train_row("Two?", solution))
    with pytest.raises(DataError, match=r"train\.jsonl:2: no column \"answer\""):
        task.problems("train")


def test_test_problem_among_the_training_rows_is_an_error(tmp_path):
    task = task_with(tmp_path, train_row("One?"), train_row("what is x if 2x = 1"))
    with pytest.raises(DataError, match="'math500_train_1' is the test problem 'own/1'"):
        task.problems("dev")


def test_hub_rows_are_read_by_their_split(monkeypatch):
    asked = []

    def hub(name: str, *, split: str, subset: str | None = None) -> list[Row]:
        asked.append((name, split, subset))
        return [Row("hub", 1, OWN)]

    monkeypatch.setattr("burnish.data.tasks.math500.load_hub_rows", hub)
    (problem,) = Math500Task(hub="someone/MATH-500").problems("test")
    assert problem.answer == "\\frac{1}{2}"
    assert asked == [("someone/MATH-500", "test", None)]


@pytest.mark.data
def test_rows_at_hand_are_five_hundred(data_folder):
    problems = Math500Task(folder=data_folder).problems("test")
    assert len(problems) == 500
    assert {str(problem.fields["level"]) for problem in problems} == {
        f"Level {n}" for n in range(1, 6)
    }
