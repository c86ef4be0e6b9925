from __future__ import annotations

import copy
import json

import pytest

from burnish.data.jsonl import Row
from burnish.data.prm800k import is_prm800k, read_prm800k
from burnish.data.step_rows import StepRowsConfig
from burnish.errors import DataError

ROW = {
    "question": {"problem": "2 + 3?"},
    "label": {
        "steps": [
            {
                "completions": [
                    {"text": "Add them.", "rating": 0},
                    {"text": "Multiply them.", "rating": -1},
                ],
                "human_completion": None,
                "chosen_completion": 0,
            },
            {
                "completions": [{"text": "That is 6.", "rating": -1}],
                "human_completion": {"text": "That is 5.", "rating": None},
                "chosen_completion": None,
            },
            {
                "completions": [{"text": "Done.", "rating": 1}, {"text": "Hm.", "rating": None}],
                "human_completion": None,
                "chosen_completion": None,
            },
        ]
    },
}


def row(columns) -> Row:
    return Row("prm.jsonl", 3, columns)


def test_the_chosen_solution_and_each_rated_alternative_are_read_once():
    assert is_prm800k(row(ROW))
    found = [(steps, ratings) for _, steps, ratings in read_prm800k(row(ROW))]
    assert found == [
        (("Add them.", "That is 5."), (0, None)),
        (("Multiply them.",), (-1,)),
        (("Add them.", "That is 6."), (None, -1)),
        (("Add them.", "That is 5.", "Done."), (None, None, 1)),
    ]


def test_a_file_of_them_is_detected(tmp_path):
    path = tmp_path / "prm.jsonl"
    path.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    rows = StepRowsConfig(train=path, dev=path, neutral="left_out").rows("train")
    assert [r.values for r in rows] == [(0.0,), (None, 0.0), (None, None, 1.0)]
    assert rows[2].steps == ("Add them.\n", "That is 5.\n", "Done.")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("question", "problem"), " ", "question.problem"),
        (("label", "steps"), {}, "label.steps is an object"),
        (("label", "steps", 0), 7, r"label.steps\[0\] is a number"),
        (("label", "steps", 0, "completions"), None, r"steps\[0\].completions is null"),
        (("label", "steps", 0, "chosen_completion"), 2, "there are 2 completions"),
        (
            ("label", "steps", 0, "completions", 1, "rating"),
            3,
            "its rating is 3",
        ),
        (("label", "steps", 0, "completions", 1, "text"), "", "its text is blank"),
    ],
)
def test_what_is_broken_is_named_with_its_place(path, value, message):
    columns = copy.deepcopy(ROW)
    *parents, last = path
    place = columns
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(DataError, match=rf"prm\.jsonl:3: .*{message}"):
        read_prm800k(row(columns))
