"""ReFT's one template for prompts and targets (arXiv:2401.08967 and its released code).

N-CoT, a chain of thought in natural language:

    Question:\n{question}\nAnswer reasoning:\n | {rationale}\nTherefore, the answer is: {answer}

P-CoT, a program:

    Question:\n{question}\nAnswer reasoning:\ndef solution():\n    \"\"\"{question}\"\"\"\n | {body}

What stands before the bar is the prompt, after it the target. Where we differ: the released code
ends the P-CoT prompt with the function's header in reinforcement learning, but not in supervised
training and its evaluation; here the header is always the prompt's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from burnish.data.jsonl import Row
from burnish.errors import DataError

Style: TypeAlias = Literal["ncot", "pcot"]

_MESSAGES: Mapping[Style, str] = {
    "ncot": (
        "Solve the problem step by step, and write its solution and nothing else. Close it with"
        ' the line "Therefore, the answer is: " and the number.'
    ),
    "pcot": (
        "Write a Python function `solution()` without arguments that computes the answer to the"
        " problem and returns it. Write the function and nothing else."
    ),
}
_FUNCTION = re.compile(r"def[ \t]+solution[ \t]*\([^)\n]*\)[^:\n]*:[ \t]*\n")
_DOCSTRING = re.compile(
    r'\s*(?:"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\')[ \t]*\n', re.DOTALL
)
_CLOSING = re.compile(r"\s*\b(?:Therefore, t|T)he answer is:?\s*<[^<>\n]*>\.?\s*$")


def prompt_of(question: str, style: Style) -> str:
    """The text before the completion; in pcot it ends with the header of the program."""
    return f"Question:\n{question}\n{opening_of(question, style)}"


def opening_of(question: str, style: Style) -> str:
    """What stands after the question, from which a second attempt can go on as well."""
    if style == "ncot":
        return "Answer reasoning:\n"
    return f'Answer reasoning:\ndef solution():\n    """{question}"""\n'


def message_of(question: str, style: Style) -> str:
    """What a chat model is asked, in words; for the same graders."""
    return f"{_MESSAGES[style]}\n\n{question}"


def target_of(rationale: str, answer: str, style: Style) -> str:
    """The completion to be learnt; in pcot the rationale is the body of the program."""
    return rationale if style == "pcot" else f"{rationale}\nTherefore, the answer is: {answer}"


def chain_of(row: Row, column: str) -> str:
    """A chain of thought without its own closing sentence.

    The rows of the ReFT release close with "Therefore, the answer is <203>.", to which the
    released code adds "Therefore, the answer is: 203.0": the answer twice. We say it once.
    """
    text = row.text(column)
    return _CLOSING.sub("", text).strip() or text.strip()


def body_of(row: Row, column: str) -> str:
    """The body of a program `def solution():`, without header and docstring. Raises DataError."""
    text = row.text(column)
    function = _FUNCTION.match(text.lstrip())
    body = text.lstrip()[function.end() :] if function else text
    docstring = _DOCSTRING.match(body)
    body = (body[docstring.end() :] if docstring else body).strip("\n").rstrip()
    if not body[:1].isspace() or "return" not in body:
        raise DataError(
            f'{row.where}: "{column}" is no program to learn from; expected a function'
            ' "def solution():" (or its indented body) that returns the answer'
        )
    return body
