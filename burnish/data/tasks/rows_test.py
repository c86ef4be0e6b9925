from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from burnish.config import Config
from burnish.data.tasks.rows import RowsTask
from burnish.errors import ConfigError, DataError
from burnish.types import Message, Problem

USER = {"role": "user", "content": "What is 2 + 2?"}
ASSISTANT = {"role": "assistant", "content": "4"}


def write(path: Path, rows: Sequence[object]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def read(folder: Path, *rows: object, **settings: object) -> list[Problem]:
    path = write(folder / "test.jsonl", rows)
    return RowsTask.from_tree({"test": str(path), **settings}, source="recipe").problems("test")  # type: ignore[dict-item]


def expect_error(folder: Path, message: str, *rows: object, **settings: object) -> None:
    with pytest.raises(DataError, match=message):
        read(folder, *rows, **settings)


@pytest.mark.parametrize(
    ("row", "question", "messages", "reply"),
    [
        ({"prompt": "What is 2 + 2?", "completion": "4"}, "What is 2 + 2?", 0, "4"),
        ({"prompt": [USER], "completion": [ASSISTANT]}, "What is 2 + 2?", 1, "4"),
        ({"prompt": "What is 2 + 2?"}, "What is 2 + 2?", 0, None),
        ({"prompt": [USER]}, "What is 2 + 2?", 1, None),
        ({"messages": [USER, ASSISTANT]}, "What is 2 + 2?", 1, "4"),
        (
            {"messages": [{"role": "developer", "content": "Be brief."}, USER]},
            "What is 2 + 2?",
            2,
            None,
        ),
        (
            {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Yo."}]},
            "Hi?",
            1,
            "Yo.",
        ),
        (
            {"system": "Be brief.", "conversations": [{"from": "human", "value": "Hi?"}]},
            "Hi?",
            2,
            None,
        ),
        ({"question": "What is 2 + 2?"}, "What is 2 + 2?", 0, None),
    ],
)
def test_every_format_is_detected(tmp_path, row, question, messages, reply):
    (problem,) = read(tmp_path, row | {"answer": 4, "level": "easy"})

    assert (problem.id, problem.question, problem.answer) == ("test:1", question, "4")
    assert len(problem.messages) == messages
    assert problem.rationale == reply
    assert problem.fields["level"] == "easy"
    assert problem.fields["answer"] == 4


def test_several_turns_are_one_question(tmp_path):
    system = {"role": "system", "content": "Be brief."}
    parts = {
        "role": "user",
        "content": [{"type": "text", "text": "And "}, {"type": "text", "text": "3?"}],
    }
    (problem,) = read(tmp_path, {"messages": [system, USER, ASSISTANT, parts], "answer": "5"})

    assert problem.question == "user: What is 2 + 2?\n\nassistant: 4\n\nuser: And 3?"
    assert problem.messages == (
        Message("system", "Be brief."),
        Message("user", "What is 2 + 2?"),
        Message("assistant", "4"),
        Message("user", "And 3?"),
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": []}, r'test\.jsonl:2: "messages" is empty; a row needs a user message'),
        ({"messages": [ASSISTANT]}, r'test\.jsonl:2: "messages" has no user message'),
        ({"messages": "hello"}, r'"messages" is a string; it must be a list'),
        (
            {"messages": [USER, {"role": "tool", "content": "4"}]},
            r"messages\[1\]: \"role\" is 'tool'",
        ),
        ({"messages": [USER, ASSISTANT | {"tool_calls": [{}]}]}, r"messages\[1\] calls a tool"),
        ({"messages": [{"role": "user", "content": None}]}, r'messages\[0\]: "content" is null'),
        ({"messages": [{"role": "user", "content": " "}]}, r'"content" is empty'),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "images and sound"),
        (
            {"messages": [ASSISTANT, USER, {"role": "system", "content": "x"}]},
            "ends with the system",
        ),
        ({"messages": ["hello"]}, r"messages\[0\] is a string; a message is an object"),
        ({"messages": [USER], "tools": [{}]}, '"tools" is not empty'),
        ({"messages": [USER], "prompt": "x"}, "'messages' and 'prompt'"),
        ({"prompt": "x", "chosen": "a", "rejected": "b"}, '"chosen" makes this a preference row'),
        ({"prompt": 3}, '"prompt" is a number; it must be a string'),
        ({"prompt": "x", "completion": None}, '"completion" is null'),
        ({"prompt": [USER], "completion": "4"}, '"completion" is a string; it must be a list'),
        ({"prompt": [USER], "completion": []}, '"completion" must be one assistant message'),
        ({"prompt": [USER, ASSISTANT]}, '"prompt" ends with the assistant'),
        ({"text": "x"}, r"no question found in the columns \('text', 'answer'\)"),
    ],
)
def test_bad_row_is_named_with_its_line(tmp_path, row, message):
    expect_error(tmp_path, message, {"messages": [USER], "answer": "4"}, row | {"answer": "4"})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'prompt': 'x'}", r"test\.jsonl:3: not valid JSON"),
        ("[1, 2]", r"test\.jsonl:3: the line is a list; each line is one object"),
        ('{"prompt": NaN}', "NaN is not a JSON number"),
        ('{"prompt": "\\ud800"}', "half of a surrogate pair"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_line_that_is_no_json_object_is_named(tmp_path, line, message):
    expect_error(tmp_path, message, {"prompt": "x", "answer": "4"}, "", line)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, r'test\.jsonl:2: the gold answer "answer" is missing'),
        ({"answer": None}, '"answer" is null'),
        ({"answer": ""}, '"answer" is empty'),
        ({"answer": True}, '"answer" is true or false'),
        ({"answer": [4]}, '"answer" is a list'),
    ],
)
def test_row_without_a_usable_answer_is_named(tmp_path, answer, message):
    expect_error(tmp_path, message, {"prompt": "a?", "answer": "1"}, {"prompt": "b?"} | answer)


def test_infinite_answer_is_refused(tmp_path):
    expect_error(tmp_path, "finite number", '{"prompt": "x", "answer": 1e999}')


def test_answer_column_is_found_by_name_or_named(tmp_path):
    row = {"prompt": "x", "solution": "2 + 2 = 4", "ground_truth": 4.5, "verdict": "D"}

    expect_error(tmp_path, r"'ground_truth' and 'solution' could each be the gold answer", row)
    expect_error(tmp_path, "no gold answer; expected a column", {"prompt": "x", "verdict": "D"})
    assert read(tmp_path, row, answer_key="verdict")[0].answer == "D"
    assert read(tmp_path, row, answer_key="ground_truth")[0].answer == "4.5"


def test_supervised_rows_need_no_answer_when_told_so(tmp_path):
    rows = [{"prompt": "x", "completion": "y"}, {"prompt": "z", "completion": "w"}]
    assert [p.answer for p in read(tmp_path, *rows, require_answer=False)] == [None, None]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"prompt": "x"}, {"prompt": [USER]}),
        ({"prompt": "x"}, {"prompt": "y", "completion": "z"}),
        ({"messages": [USER]}, {"messages": [USER, ASSISTANT]}),
        ({"question": "x"}, {"prompt": "y"}),
    ],
)
def test_mixed_formats_are_refused(tmp_path, first, second):
    message = r"test\.jsonl:2: the row's format is .*, but line 1 is .*; a file has rows of one"
    expect_error(tmp_path, message, first | {"answer": "1"}, second | {"answer": "1"})


def test_ids_are_the_rows_own_and_unique(tmp_path):
    rows = [{"id": 7, "prompt": "a", "answer": 1}, {"id": "x", "prompt": "b", "answer": 1}]

    assert [p.id for p in read(tmp_path, *rows)] == ["7", "x"]
    expect_error(tmp_path, r"test\.jsonl:3: id '7' is that of line 1 too", *rows, rows[0])


def test_dev_is_taken_from_train_or_from_its_own_file(tmp_path):
    train = write(
        tmp_path / "train.jsonl", [{"prompt": f"{n} + 1?", "answer": n + 1} for n in range(20)]
    )
    dev = write(tmp_path / "dev.jsonl", [{"prompt": "50 + 1?", "answer": 51}])
    taken = RowsTask(train=train, dev_share=0.25)
    own = RowsTask(train=train, dev=dev)

    assert [len(taken.problems("train")), len(taken.problems("dev"))] == [15, 5]
    assert [len(own.problems("train")), len(own.problems("dev"))] == [20, 1]
    with pytest.raises(DataError, match=r"names no file as `task\.test`"):
        own.problems("test")


def test_a_single_question_cannot_be_divided(tmp_path):
    train = write(tmp_path / "train.jsonl", [{"prompt": "1?", "answer": 1}] * 3)
    with pytest.raises(DataError, match="one distinct question"):
        RowsTask(train=train).problems("dev")


def test_test_questions_that_stand_in_train_are_refused(tmp_path):
    train = write(tmp_path / "train.jsonl", [{"prompt": f"{n}?", "answer": n} for n in range(5)])
    test = write(
        tmp_path / "test.jsonl", [{"prompt": "Q?", "answer": 1}, {"prompt": "3 ?", "answer": 3}]
    )

    with pytest.raises(DataError, match=r"'test:2' of test asks what 'train:4' of train asks"):
        RowsTask(train=train, test=test).problems("test")
    assert len(RowsTask(train=train, test=test, allow_overlap=True).problems("test")) == 2


def test_templates_are_filled_once(tmp_path):
    task = RowsTask(
        template="Question:\n{question}\nAnswer:\n",
        target_template="{rationale}\nTherefore, the answer is: {answer}",
    )
    problem = Problem("1", "What is {answer} in {x}?", "4", rationale="It is {question}.")

    assert task.prompt(problem) == "Question:\nWhat is {answer} in {x}?\nAnswer:\n"
    assert task.target(problem) == "It is {question}.\nTherefore, the answer is: 4"
    with pytest.raises(DataError, match="'2' has no completion to imitate"):
        task.target(Problem("2", "x", "4"))


def test_template_is_refused_for_conversations(tmp_path):
    row = {"messages": [USER], "answer": "4"}
    expect_error(tmp_path, "is for plain prompts", row, template="Q: {question}")


def test_template_without_a_place_for_the_question_is_a_config_error():
    with pytest.raises(ConfigError, match="template must contain"):
        RowsTask.from_tree({"template": "Answer this:"}, source="recipe")
    assert issubclass(RowsTask, Config)


def test_rationale_may_stand_in_a_column_of_its_own(tmp_path):
    row = {"question": "x?", "answer": "4", "steps": "2 + 2 = 4"}
    assert read(tmp_path, row, rationale_key="steps")[0].rationale == "2 + 2 = 4"
    expect_error(tmp_path, 'no column "why"', row, rationale_key="why")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe{}", b'{"prompt": "x"'])
def test_file_without_usable_rows_is_a_data_error(tmp_path, content):
    path = tmp_path / "test.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"test\.jsonl"):
        RowsTask(test=path).problems("test")


@pytest.mark.parametrize("name", ["missing.jsonl", ".", "with\0null"])
def test_path_that_is_no_file_is_a_data_error(tmp_path, name):
    with pytest.raises(DataError):
        RowsTask(test=tmp_path / name).problems("test")
