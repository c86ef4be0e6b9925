from __future__ import annotations

import pytest

from burnish.data.jsonl import Row
from burnish.data.rationales import body_of, chain_of
from burnish.errors import DataError

BODY = "    x = 3\n\n    return x"


@pytest.mark.parametrize(
    "program",
    [
        f'def solution():\n    """How many?"""\n{BODY}',
        f'\n\ndef solution() :\n    """How\n\n    many?"""\n{BODY}\n\n',
        f'def solution() -> int:\n    """She said "how many?""""\n{BODY}',
        f"def solution():\n    '''How many?'''\n{BODY}\n",
        f"def  solution( ):\n{BODY}",
        BODY,
    ],
)
def test_header_and_docstring_are_removed_however_they_are_written(program):
    assert body_of(Row("rows", 1, {"code": program}), "code") == BODY


def test_text_in_quotes_after_the_docstring_stays():
    body = '    unit = """cm"""\n    return 3'
    assert (
        body_of(Row("rows", 1, {"code": f'def solution():\n    """Q"""\n{body}'}), "code") == body
    )


@pytest.mark.parametrize(
    "text",
    [
        "x = 3",
        "There are 3.",
        "def solution():\n    x = 3",
        "import os\ndef solution():\n    return 3",
    ],
)
def test_what_is_no_program_is_refused(text):
    with pytest.raises(DataError, match='rows:9: "code" is no program'):
        body_of(Row("rows", 9, {"code": text}), "code")


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("It is 3.\n\nTherefore, the answer is <3>.", "It is 3."),
        ("It is 3. Therefore, the answer is <3.50>.", "It is 3."),
        ("Seen above. The answer is <2.0>.", "Seen above."),
        ("The answer is <3>. No, it is 4.", "The answer is <3>. No, it is 4."),
        ("Therefore, the answer is <3>.", "Therefore, the answer is <3>."),
        (" So it is 3. ", "So it is 3."),
    ],
)
def test_only_the_closing_sentence_is_removed(text, chain):
    assert chain_of(Row("rows", 1, {"cot": text}), "cot") == chain
