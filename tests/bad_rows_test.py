"""Whatever stands in a file, reading it gives problems or a DataError, never another exception."""

from __future__ import annotations

import contextlib
import json
import tempfile
import typing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.data.feedback.kinds import FeedbackKind
from burnish.data.formats import EXCHANGE_COLUMNS
from burnish.data.gold import ANSWER_COLUMNS
from burnish.data.tasks.feedback_rows import FeedbackRowsTask
from burnish.data.tasks.gsm8k import Gsm8kTask
from burnish.data.tasks.mathqa import MathqaTask
from burnish.data.tasks.rows import RowsTask
from burnish.data.tasks.svamp import SvampTask
from burnish.data.tasks.task import Task
from burnish.errors import DataError

TEXTS = st.one_of(
    st.text(st.characters(), max_size=12),  # lone surrogates included
    st.sampled_from(["user", "assistant", "system", "human", "gpt", "#### 4", "def solution():\n"]),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
TURNS = st.fixed_dictionaries(
    {},
    optional={
        "role": TEXTS,
        "content": st.one_of(TEXTS, LEAVES),
        "from": TEXTS,
        "value": TEXTS,
        "tool_calls": LEAVES,
    },
)
VALUES = st.one_of(TEXTS, st.lists(TURNS, max_size=3), LEAVES, st.recursive(LEAVES, st.lists))
ROW_COLUMNS = (
    *EXCHANGE_COLUMNS,
    "question",
    "id",
    "system",
    "tools",
    "chosen",
    *ANSWER_COLUMNS[:2],
)
FEEDBACK_COLUMNS = (
    *("prompt", "chosen", "rejected", "response", "completion", "label", "rating", "comment"),
    *("attributes", "helpfulness", "input", "preferred_output", "non_preferred_output"),
    *("responses", "ranks", "response_1", "response_2", "preference_strength", "fields"),
    *("q.responses", "q.responses.users", "margin", "probability", "weight", "source", "rater"),
)
FEEDBACK_SHAPES = (
    ("prompt", "chosen", "rejected", "probability"),
    ("chosen", "rejected"),
    ("input", "preferred_output", "non_preferred_output"),
    ("prompt", "responses", "ranks"),
    ("prompt", "response_1", "response_2", "preference_strength"),
    ("prompt", "completion", "label"),
    ("prompt", "response", "rating", "rater"),
    ("prompt", "response", "attributes"),
    ("prompt", "response", "comment", "weight"),
    ("fields", "responses"),
    ("prompt", "response", "q.responses", "q.responses.users"),
)
TASK_COLUMNS = ("item_id", "question", "answer_cot", "answer_value", "answer", "Body", "Problem")


def rows_of(columns: tuple[str, ...]) -> st.SearchStrategy[list[dict[str, object]]]:
    names = st.sampled_from(columns)
    return st.lists(st.dictionaries(names, VALUES, max_size=5), min_size=1, max_size=3)


def read_all(task: Task) -> int:
    """How many problems could be read and rendered, or -1 for a DataError."""
    try:
        problems = task.problems("test")
        for problem in problems:
            assert isinstance(task.prompt(problem), str)
            json.dumps([problem.question, problem.answer], ensure_ascii=False).encode()
        return len([task.target(problem) for problem in problems])
    except DataError:
        return -1


@settings(max_examples=150, derandomize=True, deadline=None)
@given(rows=rows_of(ROW_COLUMNS), require_answer=st.booleans())
def test_rows_of_any_shape_give_problems_or_a_data_error(rows, require_answer):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        read_all(RowsTask(test=path, require_answer=require_answer))


@st.composite
def rows_of_feedback(draw: st.DrawFn) -> list[dict[str, object]]:
    """Rows that have the columns of a format, with anything in them, and sometimes others."""
    shape = draw(st.sampled_from(FEEDBACK_SHAPES))
    values = st.one_of(VALUES, st.dictionaries(st.sampled_from(FEEDBACK_COLUMNS), VALUES))
    more = st.dictionaries(st.sampled_from(FEEDBACK_COLUMNS), values, max_size=2)
    return [{**{name: draw(values) for name in shape}, **draw(more)} for _ in range(2)]


@settings(max_examples=120, derandomize=True, deadline=None)
@given(rows=rows_of_feedback())
def test_feedback_of_any_shape_is_read_or_a_data_error(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        task = FeedbackRowsTask(train=path, dev=path, test=path, bad_rows="skip")
        with contextlib.suppress(DataError):
            read_all(task)
        for kind in typing.get_args(FeedbackKind):
            with contextlib.suppress(DataError):
                task.feedback(kind, "train")


@settings(max_examples=80, derandomize=True, deadline=None)
@given(rows=rows_of(TASK_COLUMNS))
def test_task_files_of_any_shape_give_problems_or_a_data_error(rows):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("svamp/test", "gsm8k/test", "mathqa/mcq_test"):
            (folder / file).parent.mkdir(exist_ok=True)
            text = "\n".join(map(json.dumps, rows))
            (folder / f"{file}.jsonl").write_text(text, encoding="utf-8")
        read_all(SvampTask(style="pcot", folder=folder))
        read_all(Gsm8kTask(folder=folder))
        read_all(MathqaTask(variant="mcq", folder=folder))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(content=st.binary(max_size=60))
def test_bytes_of_any_kind_give_problems_or_a_data_error(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.jsonl"
        path.write_bytes(content)
        assert read_all(RowsTask(test=path)) == -1


@pytest.mark.parametrize("cut", range(1, 80, 3))
def test_a_file_cut_off_anywhere_is_a_data_error_or_whole_rows(tmp_path, cut):
    row = {"prompt": "How many?", "completion": "Two, so 2.", "answer": "2"}
    text = json.dumps(row) + "\n" + json.dumps(row | {"prompt": "And now?"}) + "\n"
    path = tmp_path / "test.jsonl"
    path.write_text(text[:-cut], encoding="utf-8")
    is_whole = text[:-cut].endswith("}") or text[:-cut].endswith("}\n")

    assert read_all(RowsTask(test=path)) == ((2 if cut == 1 else 1) if is_whole else -1)
