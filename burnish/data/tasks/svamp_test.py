from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from burnish.data.jsonl import Row
from burnish.data.tasks.svamp import SvampTask
from burnish.errors import DataError

HEADER = 'def solution():\n    """A farm has 3 hens."""\n'
BODY = "    hens = 3\n\n    return hens"


def write(folder: Path, name: str, rows: Sequence[Mapping[str, object]]) -> Path:
    path = folder / "svamp" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def row(number: int, cot: str) -> dict[str, object]:
    question = f"A farm has {number} hens. How many?"
    return {
        "item_id": f"hens_{number}",
        "question": question,
        "answer_cot": cot,
        "answer_value": f"{number}.0",
    }


def test_program_prompt_ends_with_the_header_and_the_target_starts_after_it(tmp_path):
    write(tmp_path, "train_pcot.jsonl", [row(3, HEADER + BODY), row(4, HEADER + BODY)])
    task = SvampTask(style="pcot", folder=tmp_path)
    problems = sorted(task.problems("train") + task.problems("dev"), key=lambda p: p.id)

    assert task.prompt(problems[0]) == (
        "Question:\nA farm has 3 hens. How many?\nAnswer reasoning:\n"
        'def solution():\n    """A farm has 3 hens. How many?"""\n'
    )
    assert task.target(problems[0]) == BODY
    assert task.answer_kind == "program"


def test_chain_target_names_the_answer_once(tmp_path):
    cot = "There are 3.\n\nTherefore, there are 3 hens.\n\nTherefore, the answer is <3>."
    write(tmp_path, "train_ncot.jsonl", [row(3, cot), row(4, "Four hens.")])
    task = SvampTask(folder=tmp_path)
    targets = {p.id: task.target(p) for s in ("train", "dev") for p in task.problems(s)}

    assert targets == {
        "hens_3": "There are 3.\n\nTherefore, there are 3 hens.\nTherefore, the answer is: 3.0",
        "hens_4": "Four hens.\nTherefore, the answer is: 4.0",
    }
    assert task.answer_kind == "numeric"


def test_test_rows_need_no_rationale_but_cannot_be_imitated(tmp_path):
    bare = {"item_id": "hens_5", "question": "5 hens?", "answer_value": "5.0"}
    write(tmp_path, "test.jsonl", [bare])
    task = SvampTask(style="pcot", folder=tmp_path)
    (problem,) = task.problems("test")

    assert (problem.id, problem.question, problem.answer) == ("hens_5", "5 hens?", "5.0")
    with pytest.raises(DataError, match="'hens_5' has no rationale"):
        task.target(problem)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"train_pcot\.jsonl: cannot be read"):
        SvampTask(style="pcot", folder=tmp_path).problems("dev")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer_value": None}, r'test\.jsonl:2: "answer_value" is null'),
        ({"answer_value": 7}, r'"answer_value" is a number; it must be a string'),
        ({"question": " "}, r'"question" is empty'),
        ({"item_id": "hens_3"}, r"test\.jsonl:2: id 'hens_3' is that of line 1 too"),
    ],
)
def test_bad_row_is_named_with_its_line(tmp_path, change, message):
    write(tmp_path, "test.jsonl", [row(3, "Three."), row(4, "Four.") | change])
    with pytest.raises(DataError, match=message):
        SvampTask(folder=tmp_path).problems("test")


def test_hub_rows_of_svamp_itself_have_no_rationale(monkeypatch):
    columns = {"ID": "c-1", "Body": "Ann has 2 pens.", "Question": "How many?", "Answer": "2.0"}
    monkeypatch.setattr(
        "burnish.data.tasks.svamp.load_hub_rows", lambda name, split: [Row(name, 1, columns)]
    )
    (problem,) = SvampTask(hub="someone/svamp").problems("test")

    assert problem.question == "Ann has 2 pens. How many?"
    assert (problem.id, problem.answer, problem.rationale) == ("c-1", "2.0", None)


@pytest.mark.data
@pytest.mark.parametrize(("style", "num_train"), [("ncot", 3076), ("pcot", 3043)])
def test_release_has_the_papers_counts_and_disjoint_splits(data_folder, style, num_train):
    task = SvampTask(style=style, folder=data_folder)
    train, dev, test = (task.problems(split) for split in ("train", "dev", "test"))
    questions = [{p.question for p in problems} for problems in (train, dev, test)]

    assert len(train) + len(dev) == num_train
    assert len(test) == 1000
    assert 0.09 * num_train < len(dev) < 0.11 * num_train
    assert not questions[0] & questions[1]
    assert not (questions[0] | questions[1]) & questions[2]
    for problem in train + dev:
        target = task.target(problem)
        assert "def solution" not in target
        assert target.count("the answer is") == (style == "ncot")
