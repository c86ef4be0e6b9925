"""HumanEval: its prompt is code to go on with; its helpers belong to the tests."""

from __future__ import annotations

import json

import pytest

from burnish.data.tasks.humaneval import HumanevalTask
from burnish.errors import DataError

OWN = {
    "task_id": "Own/0",
    "prompt": (
        "import math\n\n\ndef half(n):\n    return n / 2\n\n\n"
        'def area(r: float) -> float:\n    """Of half a circle."""\n'
    ),
    "canonical_solution": "    return half(math.pi * r ** 2)\n",
    "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate(0) == half(0)\n\n",
    "entry_point": "area",
}


def task_with(tmp_path, *rows) -> HumanevalTask:
    path = tmp_path / "humaneval" / "test.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return HumanevalTask(folder=tmp_path)


def test_the_prompt_is_the_data_sets_own_and_the_target_its_body(tmp_path):
    task = task_with(tmp_path, OWN)
    (problem,) = task.problems("test")
    assert (problem.id, task.prompt(problem)) == ("Own/0", OWN["prompt"])
    assert task.target(problem) == "    return half(math.pi * r ** 2)"
    assert problem.answer == OWN["prompt"] + "    return half(math.pi * r ** 2)"
    assert task.answer_kind == "code_tests"


def test_the_tests_call_check_and_have_the_prompts_helpers(tmp_path):
    (problem,) = task_with(tmp_path, OWN).problems("test")
    (test,) = problem.fields["tests"]  # pyright: ignore[reportGeneralTypeIssues]
    assert str(test).endswith("assert candidate(0) == half(0)\n\ncheck(area)")
    assert problem.fields["prelude"] == "import math\ndef half(n):\n    return n / 2"
    assert problem.fields["context"] == OWN["prompt"]


@pytest.mark.parametrize("split", ["train", "dev"])
def test_there_is_nothing_to_train_on(tmp_path, split):
    with pytest.raises(DataError, match="for testing only"):
        task_with(tmp_path, OWN).problems(split)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prompt": "def area(r:"}, r'test\.jsonl:1: "prompt" is no Python'),
        ({"entry_point": "volume"}, r"""test\.jsonl:1: "prompt" defines no function 'volume'"""),
        ({"test": None}, '"test" is null'),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path, changes, complaint):
    with pytest.raises(DataError, match=complaint):
        task_with(tmp_path, OWN | changes).problems("test")


@pytest.mark.data
def test_rows_at_hand_have_their_count(data_folder):
    assert len(HumanevalTask(folder=data_folder).problems("test")) == 164


def test_chat_asks_for_the_whole_function_in_words_of_ones_own(tmp_path):
    task_with(tmp_path, OWN)
    task = HumanevalTask(folder=tmp_path, form="chat", instruction="Complete it.")
    (problem,) = task.problems("test")
    assert task.prompt(problem) == f"Complete it.\n\n{OWN['prompt']}".strip()
    assert problem.messages[0].content == task.prompt(problem)
    assert task.target(problem) == problem.answer
