"""What asks for another attempt where a recipe does not say, by the kind of answer.

In our words, with the content of SCoRe's prompts (arXiv:2409.12917, appendix): there may be a
mistake, nothing says whether there is one; if so it is to be mended and the whole written again,
alone and in the form that the grader reads. `{opening}` is where the task's prompt begins the
attempt: the header of a program, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from burnish.data.tasks.task import AnswerKind

_DOUBT = "may contain a mistake, perhaps because the question was misunderstood"
_SOLUTION = (
    f"The solution above {_DOUBT}. If there is one, correct it. Write the whole solution again, and"
    " nothing else."
)
_CLOSING = ' End it with "Therefore, the answer is: " and'
_PROGRAM = (
    f"The program above {_DOUBT}. If there is one, correct it. Write the whole function"
    " `solution` again, and nothing else."
)
CODE_INSTRUCTION = (
    f"# The code above {_DOUBT}. If there is one, correct it. Write the whole Python program again,"
    " and nothing else."
)
"""A comment, so that it may stand between two programs."""
_INSTRUCTIONS: Mapping[AnswerKind, str] = {
    "numeric": f"{_SOLUTION}{_CLOSING} the number.",
    "multiple_choice": f"{_SOLUTION}{_CLOSING} the letter of the option.",
    "program": _PROGRAM,
    "program_choice": _PROGRAM,
    "code_tests": CODE_INSTRUCTION,
    "math": f"{_SOLUTION}{_CLOSING} the final answer as $answer$.",
    "quantity": f"{_SOLUTION}{_CLOSING} the number with its unit.",
    "open": (
        f"The reply above {_DOUBT}. If there is one, correct it. Write the whole reply again, and"
        " nothing else."
    ),
}


def default_instruction(kind: AnswerKind) -> str:
    """The template of the follow-up for a kind of answer; it names {opening} at its end."""
    return f"{_INSTRUCTIONS[kind]}\n{{opening}}"
