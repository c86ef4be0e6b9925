from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from burnish.data.jsonl import Row
from burnish.data.tasks.scibench import ScibenchTask
from burnish.errors import DataError
from burnish.types import Message

OWN = {
    "problem_text": " What energy has the photon? ",
    "answer_latex": " 3.52",
    "answer_number": "3.52",
    "unit": "$10^{-19} \\mathrm{~J}$",
    "source": "own",
    "problemid": " 1-18",
}
BARE = {**OWN, "problem_text": "How likely?", "answer_number": "+0.25", "unit": " "}
OTHER = {**OWN, "source": "other "}


def task_with(folder: Path, *rows: dict[str, Any], **settings: Any) -> ScibenchTask:
    path = folder / "scibench" / "test.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows or [OWN]), encoding="utf-8")
    return ScibenchTask(folder=folder, **settings)


def test_prompt_shows_the_unit_and_the_gold_answer_takes_its_power_of_ten(tmp_path):
    task = task_with(tmp_path, instruction="Solve it.")
    (problem,) = task.problems("test")
    assert task.prompt(problem) == (
        "Solve it.\n\nProblem:\nWhat energy has the photon?\nGive the answer in J.\n\nSolution:\n"
    )
    assert task.prompt(problem).endswith(task.opening(problem))
    assert (problem.id, problem.answer, task.answer_kind) == (
        "scibench_own_0",
        "3.52e-19",
        "quantity",
    )
    assert problem.fields == {"source": "own", "unit": "J", "problemid": " 1-18"}


def test_prompt_says_where_there_is_no_unit(tmp_path):
    (problem,) = task_with(tmp_path, BARE).problems("test")
    assert problem.question == "How likely?\nThe answer is a number without a unit."
    assert problem.answer == "0.25"


@pytest.mark.parametrize("unit", [None, "missing"])
def test_column_of_the_unit_may_be_missing(tmp_path, unit):
    row = {key: value for key, value in BARE.items() if key != "unit"}
    (problem,) = task_with(tmp_path, row if unit else {**row, "unit": None}).problems("test")
    assert problem.fields["unit"] == ""


def test_instruction_asks_for_the_closing_line_that_the_grader_wants(tmp_path):
    task = task_with(tmp_path)
    (problem,) = task.problems("test")
    assert '"Therefore, the answer is: number unit"' in task.prompt(problem)


def test_chat_asks_the_same_as_the_users_message(tmp_path):
    task = task_with(tmp_path, instruction="Solve it.", form="chat")
    (problem,) = task.problems("test")
    text = "Solve it.\n\nWhat energy has the photon?\nGive the answer in J."
    assert problem.messages == (Message("user", text),)
    assert task.prompt(problem) == text


def test_there_is_no_solution_to_imitate(tmp_path):
    task = task_with(tmp_path)
    with pytest.raises(DataError, match="'scibench_own_0' has no solution"):
        task.target(task.problems("test")[0])


@pytest.mark.parametrize("split", ["train", "dev"])
def test_there_is_nothing_to_train_on(tmp_path, split):
    with pytest.raises(DataError, match="for testing only"):
        task_with(tmp_path).problems(split)


def test_problems_may_be_of_some_books_only(tmp_path):
    task = task_with(tmp_path, OWN, OTHER, BARE, sources=["other"])
    assert [problem.id for problem in task.problems("test")] == ["scibench_other_1"]


def test_book_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no problem is from 'atkins'; the rows have own, other"):
        task_with(tmp_path, OWN, OTHER, sources=["atkins"]).problems("test")


def test_row_without_a_number_is_named(tmp_path):
    with pytest.raises(DataError, match=r'test\.jsonl:2: "answer_number" is empty'):
        task_with(tmp_path, OWN, {**OWN, "answer_number": " "}).problems("test")


def test_hub_rows_are_read_by_the_named_split(monkeypatch):
    asked = []

    def hub(name: str, *, split: str, subset: str | None = None) -> list[Row]:
        asked.append((name, split, subset))
        return [Row("hub", 1, OWN)]

    monkeypatch.setattr("burnish.data.tasks.scibench.load_hub_rows", hub)
    (problem,) = ScibenchTask(hub="someone/scibench", hub_split="all").problems("test")
    assert problem.answer == "3.52e-19"
    assert asked == [("someone/scibench", "all", None)]


@pytest.mark.data
def test_rows_at_hand_are_580_problems_of_ten_books_with_readable_units(data_folder):
    problems = ScibenchTask(folder=data_folder).problems("test")
    assert len(problems) == 580
    assert len({str(problem.fields["source"]) for problem in problems}) == 10
    units = {str(problem.fields["unit"]) for problem in problems}
    assert not [unit for unit in units if any(letter in unit for letter in "\\{}$")]
    assert sum("e" in str(problem.answer) for problem in problems) == 90
