from __future__ import annotations

import json

import pytest

from burnish.data.step_rows import StepRowsConfig
from burnish.errors import DataError

TWO = {"prompt": "2 + 3?", "steps": ["2 + 3 = 5.", "So 5."]}


def written(folder, *rows, name="steps.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(folder, *rows, **settings):
    path = written(folder, *rows)
    return StepRowsConfig(train=path, dev=path, **settings).rows("train")


@pytest.mark.parametrize(
    ("labels", "settings", "expected"),
    [
        ({"labels": [True, False]}, {}, (1.0, 0.0)),
        ({"labels": [1, None]}, {}, (1.0, None)),
        ({"ratings": [0, -1]}, {}, (1.0, 0.0)),
        ({"ratings": [0, 1]}, {"neutral": "left_out"}, (None, 1.0)),
        ({"values": [0.5, 1]}, {}, (0.5, 1.0)),
        ({"outcomes": [[True, False], []]}, {}, (0.5, None)),
        ({"outcomes": [[True, False], [False]]}, {"label": "hard"}, (1.0, 0.0)),
    ],
)
def test_each_kind_of_label_is_told_by_its_column(tmp_path, labels, settings, expected):
    (row,) = read(tmp_path, {**TWO, **labels}, **settings)
    assert row.values == expected
    assert row.problem.question == "2 + 3?"


def test_the_names_of_trl_and_conversations_are_known(tmp_path):
    trl = {"prompt": "2 + 3?", "completions": ["5."], "labels": [True]}
    chat = {"prompt": [{"role": "user", "content": "2 + 3?"}], "steps": ["5."], "labels": [True]}
    assert read(tmp_path, trl)[0].steps == ("5.",)
    assert read(tmp_path, chat)[0].problem.messages[0].content == "2 + 3?"


def test_steps_are_set_apart_where_no_white_space_is(tmp_path):
    row = {"prompt": "?", "steps": ["a.", "b.\n", "c.", " d."], "labels": [True] * 4}
    assert read(tmp_path, row)[0].steps == ("a.\n", "b.\n", "c.", " d.")
    assert read(tmp_path, row, separator=" ")[0].steps == ("a. ", "b.\n", "c.", " d.")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**TWO, "labels": [True]}, r'steps\.jsonl:2: 2 steps and 1 entries in "labels"'),
        ({**TWO, "labels": [True, -1]}, r'labels\[1\] is -1.*column "ratings"'),
        ({**TWO, "labels": [True, "yes"]}, r"labels\[1\] is 'yes'; expected true or false"),
        ({**TWO, "ratings": [2, 1]}, r"'ratings'.*'labels'|labels its steps by \"ratings\""),
        ({**TWO, "labels": [True, True], "values": [1, 1]}, "could each be the labels"),
        (TWO, r"no labels of steps in the columns \('prompt', 'steps'\)"),
        ({"prompt": "?", "labels": [True]}, 'expected the steps in "steps"'),
        ({"prompt": "?", "steps": [], "labels": []}, "a solution has at least one step"),
        ({"prompt": "?", "steps": [" "], "labels": [True]}, r"steps\[0\] is blank"),
        ({"prompt": "?", "steps": "a", "labels": [True]}, '"steps" is a string'),
        ({"steps": ["a"], "labels": [True]}, "no question found"),
        ({**TWO, "completion": "5", "labels": [True, True]}, "ends with a reply"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, {**TWO, "labels": [True, False]}, row)
    assert "steps.jsonl:2" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "entry", "message"),
    [
        ("values", 1.5, "a value is a number from 0 to 1"),
        ("values", True, "a value is a number from 0 to 1"),
        ("ratings", 2, "a rating is -1"),
        ("outcomes", 0.5, "expected a list of true"),
    ],
)
def test_a_label_that_cannot_be_is_named_with_its_place(tmp_path, column, entry, message):
    good = {"values": 0.5, "ratings": 1, "outcomes": [True]}[column]
    with pytest.raises(DataError, match=rf"steps\.jsonl:1: {column}\[1\] .*{message}"):
        read(tmp_path, {**TWO, column: [good, entry]})


def test_a_file_without_any_label_is_refused(tmp_path):
    with pytest.raises(DataError, match="not one step has a label"):
        read(tmp_path, {**TWO, "labels": [None, None]})


def test_rows_of_one_question_stand_on_one_side(tmp_path):
    rows = [{"prompt": f"{n % 5} + 1?", "steps": [f"{n}."], "labels": [True]} for n in range(20)]
    config = StepRowsConfig(train=written(tmp_path, *rows), dev_share=0.4)
    train, dev = config.rows("train"), config.rows("dev")
    assert len(train) + len(dev) == 20
    assert len({row.problem.question for row in dev}) == 2
    assert not {r.problem.question for r in train} & {r.problem.question for r in dev}
