"""Prompt and target of MBPP, its splits, and rows that cannot be used."""

from __future__ import annotations

import json

import pytest

from burnish.data.jsonl import Row
from burnish.data.tasks.mbpp import MbppTask
from burnish.errors import DataError


def row(number: int, **changes) -> dict:
    return {
        "task_id": number,
        "text": f"Write a function to add {number}. ",
        "code": f"def add_{number}(n):\r\n    return n + {number}  \r\n",
        "test_list": [f"assert add_{number}(1) == {number + 1}", f"assert add_{number}(0) == 0 "],
        "test_setup_code": "",
    } | changes


def task_with(tmp_path, *rows, **settings) -> MbppTask:
    path = tmp_path / "mbpp" / "mbpp.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return MbppTask(folder=tmp_path, **settings)


def test_prompt_and_target_are_the_papers_with_solved_problems_before(tmp_path):
    task = task_with(tmp_path, row(2), row(3), row(4), row(601, test_setup_code="x = 1\r\n"))
    (problem,) = task.problems("train")

    def shown(number: int) -> str:
        return (
            "You are an expert Python programmer, and here is your task: Write a function to add "
            f"{number}. Your code should pass these tests:\n\n"
            f"assert add_{number}(1) == {number + 1}\nassert add_{number}(0) == 0\n[BEGIN]\n"
        )

    def solved(number: int) -> str:
        return f"def add_{number}(n):\n    return n + {number}\n[DONE]"

    examples = "".join(f"{shown(n)}{solved(n)}\n\n" for n in (2, 3, 4))
    assert task.prompt(problem) == examples + shown(601)
    assert task.target(problem) == solved(601)
    assert (problem.id, problem.fields["setup"]) == ("mbpp_601", "x = 1")
    assert task.answer_kind == "code_tests"


def test_without_shots_only_the_problem_is_asked(tmp_path):
    task = task_with(tmp_path, row(601), shots=0)
    assert task.prompt(task.problems("train")[0]).count("[BEGIN]") == 1
    with pytest.raises(DataError, match="task_id 2 is missing"):
        task_with(tmp_path, row(601)).prompt(task.problems("train")[0])


@pytest.mark.parametrize(
    ("split", "first", "last"), [("test", 11, 510), ("dev", 511, 600), ("train", 601, 974)]
)
def test_splits_are_the_official_ones(tmp_path, split, first, last):
    edges = [1, 10, 11, 510, 511, 600, 601, 974]
    task = task_with(tmp_path, *map(row, edges))
    assert [p.id for p in task.problems(split)] == [f"mbpp_{first}", f"mbpp_{last}"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"task_id": "7"}, r'mbpp\.jsonl:2: "task_id" is'),
        ({"task_id": 601}, "id 'mbpp_601' is that of line 1"),
        ({"test_list": []}, r'mbpp\.jsonl:2: "test_list" is'),
        ({"test_list": [1]}, '"test_list"'),
        ({"test_list": "assert f()"}, '"test_list" is a string'),
        ({"test_setup_code": 1}, '"test_setup_code" is a number'),
        ({"code": " "}, '"code" is empty'),
        ({"text": None}, '"text" is null'),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path, changes, complaint):
    task = task_with(tmp_path, row(601), row(602, **changes))
    with pytest.raises(DataError, match=complaint):
        task.problems("train")


def test_hub_rows_are_read_from_all_parts(monkeypatch):
    asked = []

    def hub(name: str, *, split: str, subset: str | None = None) -> list[Row]:
        asked.append((name, split, subset))
        number = {"prompt": 2, "test": 11, "validation": 511, "train": 601}[split]
        return [Row("hub", 1, row(number))]

    monkeypatch.setattr("burnish.data.tasks.mbpp.load_hub_rows", hub)
    task = MbppTask(hub="owner/mbpp", shots=1)

    assert [p.id for p in task.problems("dev")] == ["mbpp_511"]
    assert ("owner/mbpp", "prompt", "full") in asked
    assert task.prompt(task.problems("test")[0]).count("[DONE]") == 1


@pytest.mark.data
def test_rows_at_hand_have_their_counts(data_folder):
    task = MbppTask(folder=data_folder)
    counts = [len(task.problems(split)) for split in ("train", "dev", "test")]
    assert counts == [374, 90, 500]


def test_chat_has_the_same_prompt_as_the_users_message(tmp_path):
    path = tmp_path / "mbpp" / "mbpp.jsonl"
    path.parent.mkdir()
    rows = [json.dumps(row(number)) for number in (2, 3, 4, 11)]
    path.write_text("\n".join(rows), encoding="utf-8")
    plain, chat = (MbppTask(folder=tmp_path, form=form) for form in ("text", "chat"))
    (problem,) = chat.problems("test")
    (message,) = problem.messages
    assert message.content == plain.prompt(problem).strip()
    assert not plain.problems("test")[0].messages


def test_visible_tests_are_shown_and_the_others_decide(tmp_path):
    task = task_with(tmp_path, *map(row, (2, 3, 4, 601)), visible_tests=1)
    (problem,) = task.problems("train")
    assert problem.fields["visible_tests"] == ["assert add_601(1) == 602"]
    assert problem.fields["tests"] == ["assert add_601(0) == 0"]
    prompt = task.prompt(problem)
    assert prompt.count("(1) == ") == 4
    assert "(0) == 0" not in prompt
    assert "(0) == 0" in task_with(tmp_path, *map(row, (2, 3, 4, 601))).prompt(problem)


def test_a_test_must_be_left_to_decide(tmp_path):
    task = task_with(tmp_path, row(601), visible_tests=2, shots=0)
    with pytest.raises(DataError, match="'mbpp_601' has 2 tests: with 2 visible ones none is left"):
        task.problems("train")
