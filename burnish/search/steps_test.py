"""Steps by line, sentence, marker and statement."""

from __future__ import annotations

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from burnish.search.steps import (
    AnySteps,
    MarkerSteps,
    NewlineSteps,
    SentenceSteps,
    StatementSteps,
    StepFormat,
    split_steps,
)

FORMATS = [
    NewlineSteps(),
    SentenceSteps(),
    MarkerSteps(marker="\n\n"),
    MarkerSteps(marker="Step ", stands="at_start"),
    StatementSteps(),
]
PIECES = st.sampled_from(
    [
        "a",
        "B",
        ". ",
        "! ",
        "3.5",
        "\n",
        "\n\n",
        " ",
        "    ",
        "Step ",
        "if x:\n",
        "else:\n",
        "(",
        ")",
        "x = 1\n",
        "'",
        '"""',
        "# c\n",
        "e.g. ",
        "2. ",
        "el",
        "\\\n",
        "def f():\n",
        "return x",
    ]
)


@given(st.sampled_from(FORMATS), st.lists(PIECES, max_size=12).map("".join))
def test_nothing_is_lost_and_no_step_is_empty(steps: StepFormat, text: str):
    split = split_steps(text, steps)

    assert "".join(split) == text or not (split or text.strip())
    assert all(step.strip() for step in split) or not text.strip()


@given(st.sampled_from(FORMATS), st.lists(PIECES, max_size=10).map("".join))
def test_an_end_that_was_seen_does_not_move_as_the_text_grows(steps: StepFormat, text: str):
    ends = [steps.first_end(text[:length]) for length in range(len(text) + 1)]
    seen = [end for end in ends if end is not None]

    assert len(set(seen)) <= 1
    assert ends == [None] * (len(ends) - len(seen)) + seen


def test_a_line_is_a_step_and_empty_lines_belong_to_the_next():
    assert split_steps("a = 1\n\n  \nb = 2\nend", NewlineSteps()) == (
        "a = 1\n",
        "\n  \nb = 2\n",
        "end",
    )


def test_white_space_at_the_end_belongs_to_the_last_step():
    assert split_steps("a\nb\n\n ", NewlineSteps()) == ("a\n", "b\n\n ")
    assert split_steps("", NewlineSteps()) == ()


def test_sentences_end_at_stops_but_not_within_numbers_lists_and_abbreviations():
    text = 'Mr. Lee has 3.5 kg, e.g. "apples." He ate 2! 1. Is it 4? The answer is 5. Done\nyes'

    assert split_steps(text, SentenceSteps()) == (
        'Mr. Lee has 3.5 kg, e.g. "apples." ',
        "He ate 2! ",
        "1. Is it 4? ",
        "The answer is 5. ",
        "Done\n",
        "yes",
    )


def test_empty_lines_before_a_sentence_are_part_of_it():
    assert split_steps("\n \nHe ate. Yes.", SentenceSteps()) == ("\n \nHe ate. ", "Yes.")


def test_a_marker_ends_a_step_or_begins_one():
    at_end = MarkerSteps(marker="<s>")
    at_start = MarkerSteps(marker="Step ", stands="at_start")

    assert split_steps("one<s>two<s>three", at_end) == ("one<s>", "two<s>", "three")
    assert split_steps("Now:\nStep 1: a\nStep 2: b", at_start) == (
        "Now:\n",
        "Step 1: a\n",
        "Step 2: b",
    )


PROGRAM = '''def solution():
    """How many?
    Two lines."""
    total = sum([1,
                 2])  # ( not open
    # about the loop
    for i in range(3):
        total += i

        if total > 2:
            total -= 1
    else:
        total = "a\\"(" + 'b'
    if total: total = 1
    elif x: total = 2
    text = 1 + \\
        2
    return total
'''


def test_a_statement_is_a_logical_line_or_a_whole_block():
    steps = split_steps(PROGRAM, StatementSteps())

    heads = [step.strip().splitlines()[0] for step in steps]
    assert heads == [
        "def solution():",
        '"""How many?',
        "total = sum([1,",
        "# about the loop",
        "if total: total = 1",
        "text = 1 + \\",
        "return total",
    ]
    assert steps[3].endswith('total = "a\\"(" + \'b\'\n')
    assert "".join(steps) == PROGRAM


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("x = 1", None),
        ("x = 1\n", 6),
        ("x = (1\n", None),
        ('x = """a\n', None),
        ("if x:\n    y\n", None),
        ("if x:\n    y\nel", None),
        ("if x:\n    y\nelse", None),
        ("if x:\n    y\nelephant", 12),
        ("    if x:\n        y\n  z", 20),
        ("if x:\n    y\n# c", None),
        ("    if x:\n        y\nelse:\n", 20),
        ("x = 1)\n", 7),
    ],
)
def test_the_end_of_a_statement_is_known_as_soon_as_it_is_certain(text: str, end: int | None):
    assert StatementSteps().first_end(text) == end


@pytest.mark.parametrize("steps", FORMATS, ids=lambda steps: steps.type)
def test_no_step_ends_before_one_of_its_stop_strings(steps: StepFormat):
    text = "Step 1 is a. It is\n\nStep 2 = b. And\nc = 3\n"
    end = steps.first_end(text)

    assert end is not None
    assert any(stop in text[: end + len(stop)] for stop in steps.stop)


def test_a_task_names_its_steps_by_type():
    adapter = pydantic.TypeAdapter(AnySteps)

    assert adapter.validate_python({"type": "marker", "marker": "##"}) == MarkerSteps(marker="##")
    assert adapter.validate_python({"type": "statement"}) == StatementSteps()
