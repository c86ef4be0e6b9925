from __future__ import annotations

import json

import pytest

from burnish.data.jsonl import Row
from burnish.data.tasks.gsm8k import Gsm8kTask
from burnish.errors import DataError

OWN = {
    "question": "Ida packs 500 boxes of 4 eggs. How many eggs?",
    "answer": "She packs 500*4=<<500*4=2000>>2,000 eggs.\n#### 2,000",
}


def write(folder, name, *rows):
    path = folder / "gsm8k" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_calculator_annotations_are_removed_and_the_gold_answer_is_plain(tmp_path):
    write(tmp_path, "test.jsonl", OWN)
    task = Gsm8kTask(folder=tmp_path)
    (problem,) = task.problems("test")

    assert (problem.id, problem.answer) == ("gsm8k_test_0", "2000")
    assert task.target(problem) == "She packs 500*4=2,000 eggs.\nTherefore, the answer is: 2000"


def test_programs_come_from_a_file_of_their_own(tmp_path):
    code = 'def solution():\n    """Ida."""\n    return 500 * 4'
    rows = [
        {"item_id": f"x{n}", "question": f"{n} eggs?", "answer_cot": code, "answer_value": "2000"}
        for n in range(2)
    ]
    write(tmp_path, "train_pcot.jsonl", *rows)
    write(tmp_path, "test.jsonl", OWN)
    task = Gsm8kTask(style="pcot", folder=tmp_path)

    assert task.target(task.problems("train")[0]) == "    return 500 * 4"
    assert task.problems("test")[0].rationale is None
    assert task.answer_kind == "program"


@pytest.mark.parametrize("answer", ["2,000 eggs", "She has 3.\n#### "])
def test_row_without_a_gold_answer_is_named(tmp_path, answer):
    write(tmp_path, "train.jsonl", OWN, {"question": "How many?", "answer": answer})
    with pytest.raises(DataError, match=r'train\.jsonl:2: "answer" has no gold answer'):
        Gsm8kTask(folder=tmp_path).problems("train")


def test_hub_rows_are_read_from_the_named_configuration(monkeypatch):
    asked = []

    def hub(name: str, *, split: str, subset: str | None = None) -> list[Row]:
        asked.append((name, split, subset))
        return [Row("hub", 1, OWN)]

    monkeypatch.setattr("burnish.data.tasks.gsm8k.load_hub_rows", hub)
    (problem,) = Gsm8kTask(hub="openai/gsm8k").problems("test")

    assert problem.answer == "2000"
    assert asked == [("openai/gsm8k", "test", "main")]


@pytest.mark.data
@pytest.mark.parametrize(("style", "num_train"), [("ncot", 7473), ("pcot", 6998)])
def test_rows_at_hand_have_their_counts_and_disjoint_splits(data_folder, style, num_train):
    task = Gsm8kTask(style=style, folder=data_folder)
    train, dev, test = (task.problems(split) for split in ("train", "dev", "test"))
    questions = [{p.question for p in problems} for problems in (train, dev, test)]

    assert len(train) + len(dev) == num_train
    assert len(test) == 1319
    assert 0.09 * num_train < len(dev) < 0.11 * num_train
    assert not questions[0] & questions[1]
    assert not (questions[0] | questions[1]) & questions[2]
    for problem in train + dev:
        assert "<<" not in task.target(problem)
        assert "####" not in task.target(problem)


@pytest.mark.parametrize(
    ("style", "wanted", "target"),
    [
        ("ncot", '"Therefore, the answer is: "', "She counts.\nTherefore, the answer is: 7"),
        ("pcot", "`solution()`", "def solution():\n    return 7"),
    ],
)
def test_chat_says_in_words_what_the_grader_wants_and_the_target_keeps_to_it(
    tmp_path, style, wanted, target
):
    rationale = "She counts." if style == "ncot" else target
    row = {"item_id": "x", "question": "Eggs?", "answer_cot": rationale, "answer_value": "7"}
    for name in ("train.jsonl", "train_pcot.jsonl"):
        write(tmp_path, name, row, {**row, "item_id": "y", "question": "More eggs?"})
    task = Gsm8kTask(folder=tmp_path, style=style, form="chat")
    (problem,) = task.problems("train")

    (message,) = problem.messages
    assert message.role == "user"
    assert wanted in message.content
    assert message.content.endswith(f"\n\n{problem.question}")
    assert task.prompt(problem) == message.content
    assert task.target(problem) == target
