from __future__ import annotations

from collections.abc import Mapping

import pytest

from burnish.data.jsonl import Row
from burnish.data.tasks.mathqa import MathqaTask
from burnish.errors import DataError
from burnish.types import Json

OPTIONS = "a ) 12 , b ) 2 : 3 , c ) 1 , 000 , d ) 7.5 , e ) none of these"


@pytest.fixture
def hub(monkeypatch):
    """Lets the hub hold the given rows."""

    def hold(*rows: Mapping[str, Json]) -> None:
        held = [Row("hub/test", number, row) for number, row in enumerate(rows, start=1)]
        monkeypatch.setattr(
            "burnish.data.tasks.mathqa.load_hub_rows", lambda name, split: list(held)
        )

    return hold


def own_row(number, correct):
    return {
        "Problem": f"what is share {number} ?",
        "Rationale": f"it is {number} .",
        "options": OPTIONS,
        "correct": correct,
    }


def test_choice_keeps_the_options_in_the_question(hub):
    hub(own_row(1, "d"))
    task = MathqaTask(variant="mcq", hub="someone/math_qa")
    (problem,) = task.problems("test")

    assert problem.question == f"what is share 1 ?\n{OPTIONS}"
    assert task.target(problem) == "it is 1 .\nTherefore, the answer is: d"


def test_numeric_leaves_out_options_and_answers_that_are_no_number(hub):
    hub(own_row(1, "d"), own_row(2, "b"), own_row(3, "e"), own_row(4, "a"))
    problems = MathqaTask(variant="numeric", hub="someone/math_qa").problems("test")

    assert [(p.question, p.answer) for p in problems] == [
        ("what is share 1 ?", "7.5"),
        ("what is share 4 ?", "12"),
    ]


def test_options_written_as_a_list_are_read_alike(hub):
    hub(own_row(1, "b") | {"options": "['a ) 3', 'b ) 60 , 5', 'c ) 4.5']"})
    (problem,) = MathqaTask(variant="mcq", hub="someone/math_qa").problems("test")

    assert problem.question == "what is share 1 ?\na ) 3 , b ) 60 , 5 , c ) 4.5"
    assert problem.answer == "b"


def test_letter_that_is_no_option_is_named(hub):
    hub(own_row(1, "f"))
    with pytest.raises(DataError, match=r"test:1: \"correct\" is 'f'"):
        MathqaTask(variant="mcq", hub="someone/math_qa").problems("test")


@pytest.mark.parametrize(
    ("variant", "style", "kind"),
    [
        ("mcq", "ncot", "multiple_choice"),
        ("mcq", "pcot", "program_choice"),
        ("numeric", "ncot", "numeric"),
        ("numeric", "pcot", "program"),
    ],
)
def test_variant_and_style_decide_the_kind_of_answer(variant, style, kind):
    assert MathqaTask(variant=variant, style=style).answer_kind == kind


def test_missing_train_file_is_named_with_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"mcq_train_pcot\.jsonl: cannot be read"):
        MathqaTask(variant="mcq", style="pcot", folder=tmp_path).problems("train")


@pytest.mark.data
def test_release_has_1605_test_rows_of_each_variant(data_folder):
    choices = MathqaTask(variant="mcq", folder=data_folder).problems("test")
    numbers = MathqaTask(variant="numeric", folder=data_folder).problems("test")

    assert len(choices) == len(numbers) == 1605
    assert {p.answer for p in choices} == set("abcde")
    assert all("a ) " in p.question.rpartition("\n")[2] for p in choices)
    assert all(float(p.answer or "nan") == float(p.answer or "nan") for p in numbers)
