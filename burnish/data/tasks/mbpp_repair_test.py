"""Wrong programs of a weaker policy become problems: put this right."""

from __future__ import annotations

import json

import pytest

from burnish.data.tasks.correction import CODE_INSTRUCTION
from burnish.data.tasks.mbpp import MbppTask
from burnish.data.tasks.mbpp_repair import MbppRepairTask
from burnish.data.tasks.mbpp_test import row
from burnish.errors import DataError


def attempt(number: int, program: str | None, *, is_correct: bool = False) -> dict:
    return {"id": f"mbpp_{number}", "text": "...", "answer": program, "is_correct": is_correct}


def task_with(tmp_path, *attempts, **settings) -> MbppRepairTask:
    files = {"mbpp/mbpp.jsonl": [*map(row, (2, 3, 4, 11, 601, 602))], "attempts.jsonl": attempts}
    for name, rows in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return MbppRepairTask(folder=tmp_path, attempts=tmp_path / "attempts.jsonl", **settings)


def test_the_prompt_has_the_wrong_program_and_the_instruction(tmp_path):
    task = task_with(tmp_path, attempt(601, "def add_601(n):\n    return 0\n"))
    (problem,) = task.problems("train")
    first = MbppTask(folder=tmp_path).prompt(problem)
    assert first.count("[DONE]") == 3
    assert task.prompt(problem) == (
        f"{first}def add_601(n):\n    return 0\n[DONE]\n\n{CODE_INSTRUCTION}\n[BEGIN]\n"
    )
    assert task.target(problem) == "def add_601(n):\n    return n + 601\n[DONE]"
    assert problem.id == "mbpp_601_repair_1"
    assert problem.fields["tests"] == ["assert add_601(1) == 602", "assert add_601(0) == 0"]
    assert task.answer_kind == "code_tests"


def test_only_distinct_wrong_programs_are_taken_and_so_many_of_a_problem(tmp_path):
    attempts = [
        attempt(601, "right", is_correct=True),
        attempt(601, None),
        attempt(601, "wrong"),
        attempt(601, " wrong\n"),
        attempt(601, "also wrong"),
        attempt(601, "a third"),
        attempt(11, "of test"),
        {"id": "mbpp_602", "failure": "sandbox", "message": "no fork"},
    ]
    task = task_with(tmp_path, *attempts, attempts_per_problem=2, shots=0)
    programs = [problem.fields["first_attempt"] for problem in task.problems("train")]
    assert programs == ["wrong", "also wrong"]
    assert [problem.id for problem in task.problems("test")] == ["mbpp_11_repair_1"]
    assert len(task_with(tmp_path, *attempts).problems("train")) == 1


def test_repeating_the_wrong_program_is_a_trait(tmp_path):
    task = task_with(tmp_path, attempt(601, "wrong"))
    (problem,) = task.problems("train")
    assert task.traits(problem, "wrong\n[DONE]") == {"unchanged": 1.0}
    assert task.traits(problem, "right\n[DONE]") == {"unchanged": 0.0}


@pytest.mark.parametrize(
    ("attempts", "complaint"),
    [
        ([attempt(601, "x", is_correct=True)], "no wrong program for a train problem"),
        ([attempt(700, "x")], r"attempts\.jsonl:1: 'mbpp_700' is no problem"),
        ([{"id": "mbpp_601", "answer": "x"}], r'attempts\.jsonl:1: "is_correct" is None'),
    ],
)
def test_attempts_that_cannot_be_used_are_named(tmp_path, attempts, complaint):
    with pytest.raises(DataError, match=complaint):
        task_with(tmp_path, *attempts).problems("train")


def test_instruction_is_ones_own_and_chat_has_the_prompt_as_the_users_message(tmp_path):
    wrong = attempt(601, "def add_601(n):\n    return 0")
    task = task_with(tmp_path, wrong, instruction="Mend it.", form="chat")
    (problem,) = task.problems("train")
    assert "[DONE]\n\nMend it.\n[BEGIN]" in task.prompt(problem)
    assert problem.messages[0].content == task.prompt(problem).strip()
