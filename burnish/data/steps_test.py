from __future__ import annotations

import pytest
from pydantic import ValidationError

from burnish.data.steps import StepsConfig

CHAIN = "12 + 7 = 19. 19 * 2.5 = 47.5.\nTherefore, the answer is: 47.5"
KINDS = [
    StepsConfig(),
    StepsConfig(by="sentence"),
    StepsConfig(by="marker", marker="Step "),
]


def test_lines_keep_their_newline():
    assert StepsConfig().split("a = 1\n\nb = 2\n") == ["a = 1\n\n", "b = 2\n"]


def test_sentences_end_at_full_stops_and_lines_but_not_inside_numbers():
    assert StepsConfig(by="sentence").split(CHAIN) == [
        "12 + 7 = 19.",
        " 19 * 2.5 = 47.5.",
        "\nTherefore, the answer is: 47.5",
    ]


def test_a_marker_begins_a_step_and_what_stands_before_the_first_is_one():
    steps = StepsConfig(by="marker", marker="Step ")
    assert steps.split("So. Step 1: a.\nStep 2: b.") == ["So. ", "Step 1: a.\n", "Step 2: b."]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.by)
@pytest.mark.parametrize(
    "text", [CHAIN, "\n\n  a.  \n \n b!\n\n", "Step 1.Step 2\n", "x", "a?\n\n\nStep b. c"]
)
def test_the_steps_make_the_text_and_none_is_blank(kind, text):
    steps = kind.split(text)
    assert "".join(steps) == text
    assert all(step.strip() for step in steps)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.by)
@pytest.mark.parametrize("text", ["", " \n\n "])
def test_a_blank_text_has_no_steps(kind, text):
    assert kind.split(text) == []


def test_a_marker_is_asked_for_and_is_no_pattern():
    assert StepsConfig(by="marker", marker="(.)").split("a(.)b") == ["a", "(.)b"]
    with pytest.raises(ValidationError, match="need marker"):
        StepsConfig(by="marker")
    with pytest.raises(ValidationError, match="no others do"):
        StepsConfig(marker="Step ")
