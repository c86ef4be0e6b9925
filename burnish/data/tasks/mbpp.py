"""`mbpp`: mostly basic Python problems, each with three asserts (arXiv:2108.07732).

The prompt is the paper's, with three solved problems before the one that is asked (tasks 2, 3 and 4
of the part that is set aside for prompts):

    You are an expert Python programmer, and here is your task: {text} Your code should pass these
    tests:\\n\\n{tests}\\n[BEGIN]\\n | {code}\\n[DONE]

What stands before the bar is the prompt, after it the target. Splits by task_id, as in the paper:
1 to 10 prompts, 11 to 510 test, 511 to 600 dev, 601 to 974 train. The folder has `mbpp/mbpp.jsonl`
with `task_id`, `text`, `code`, `test_list` and `test_setup_code`. The data set's own defects: all
tests of task 899 want True; the reference of task 123 computes for seconds; some texts ask for
something else than the tests, which decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.hub import load_hub_rows
from burnish.data.jsonl import Row, json_type, read_rows
from burnish.data.problems import problems_of
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Json, Problem

BEGIN, DONE = "[BEGIN]", "[DONE]"
VISIBLE_TESTS = "visible_tests"
"""The column with the tests that a solver may see and run, where others are hidden."""
_EXAMPLES = (2, 3, 4)
_IDS: Mapping[Split, range] = {
    "test": range(11, 511),
    "dev": range(511, 601),
    "train": range(601, 975),
}
_HUB_SPLITS = ("prompt", "test", "validation", "train")


class MbppTask(Config):
    """MBPP: a function from a sentence and three asserts."""

    type: Literal["mbpp"] = "mbpp"
    """the task"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    shots: int = Field(default=3, ge=0, le=3)
    """how many solved problems stand before the one that is asked"""
    folder: Path = Path("data")
    """the folder that holds mbpp/mbpp.jsonl"""
    visible_tests: int | None = Field(default=None, ge=1)
    """how many tests the prompt shows, which a search may run too; the others alone decide what is
    right. Default: all are shown, and all decide, as in the paper"""
    hub: str | None = None
    """a data set on the hub to read instead, such as google-research-datasets/mbpp"""
    hub_subset: str | None = "full"
    """the configuration of the data set on the hub"""

    @property
    def answer_kind(self) -> AnswerKind:
        """Code that has to pass tests."""
        return "code_tests"

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split, in the order of the file."""
        ids = _IDS[split]
        problems = [problem for number, problem in self.numbered().items() if number in ids]
        if self.visible_tests is not None:
            problems = [_with_hidden_tests(problem, self.visible_tests) for problem in problems]
        return [in_form(problem, self.form, self.prompt) for problem in problems]

    def prompt(self, problem: Problem) -> str:
        """The paper's prompt; the solved problems show as many tests as the one that is asked."""
        shown = _examples(self.shots, self.folder, self.hub, self.hub_subset, self.visible_tests)
        return shown + asked(problem)

    def opening(self, problem: Problem) -> str:
        """The sign after which a program begins."""
        return f"{BEGIN}\n"

    def target(self, problem: Problem) -> str:
        """The reference solution and the sign that it is all. Raises DataError without one."""
        return solved(problem)

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """None."""
        return {}

    def numbered(self) -> dict[int, Problem]:
        """All problems by their task_id, those for prompts included."""
        rows = self._rows()
        return dict(zip(map(_number, rows), problems_of(rows, _problem), strict=True))

    def _rows(self) -> list[Row]:
        if self.hub is None:
            return read_rows(self.folder / "mbpp" / "mbpp.jsonl")
        return [
            row
            for split in _HUB_SPLITS
            for row in load_hub_rows(self.hub, split=split, subset=self.hub_subset)
        ]


@lru_cache(maxsize=8)
def _examples(
    shots: int, folder: Path, hub: str | None, hub_subset: str | None, visible: int | None
) -> str:
    """The solved problems before the one that is asked; the file is read once."""
    if not shots:
        return ""
    numbered = MbppTask(folder=folder, hub=hub, hub_subset=hub_subset).numbered()
    missing = [number for number in _EXAMPLES[:shots] if number not in numbered]
    if missing:
        raise DataError(
            f"mbpp: task_id {missing[0]} is missing, which the prompt shows as an example. Give the"
            " whole file, with task_id 1 to 974, or set `task.shots` to 0."
        )
    shown = [numbered[number] for number in _EXAMPLES[:shots]]
    if visible is not None:
        shown = [_with_hidden_tests(problem, visible) for problem in shown]
    return "".join(f"{asked(problem)}{solved(problem)}\n\n" for problem in shown)


def asked(problem: Problem) -> str:
    """One problem of the prompt, up to where its program begins."""
    tests = "\n".join(shown_tests(problem))
    return (
        "You are an expert Python programmer, and here is your task: "
        f"{problem.question} Your code should pass these tests:\n\n{tests}\n{BEGIN}\n"
    )


def solved(problem: Problem) -> str:
    """The program that goes on with the prompt. Raises DataError where there is none."""
    if problem.rationale is None:
        raise DataError(f"problem {problem.id!r} has no reference solution to imitate")
    return f"{problem.rationale}\n{DONE}"


def shown_tests(problem: Problem) -> Sequence[str]:
    """The asserts that the prompt shows: the visible ones, or all where none is hidden."""
    tests = problem.fields.get(VISIBLE_TESTS, problem.fields["tests"])
    assert isinstance(tests, list), "read below"
    return [str(test) for test in tests]


def _with_hidden_tests(problem: Problem, num_visible: int) -> Problem:
    """The first tests as visible ones, the others as those that decide. Raises DataError."""
    tests = shown_tests(problem)
    if len(tests) <= num_visible:
        raise DataError(
            f"problem {problem.id!r} has {len(tests)} tests: with {num_visible} visible ones none "
            "is left to decide. Lower task.visible_tests, or leave it out."
        )
    hidden: list[Json] = [*tests[num_visible:]]
    visible: list[Json] = [*tests[:num_visible]]
    return replace(problem, fields={**problem.fields, "tests": hidden, VISIBLE_TESTS: visible})


def _number(row: Row) -> int:
    number = row.columns.get("task_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise DataError(f'{row.where}: "task_id" is {number!r:.40}; it must be a whole number')
    return number


def _problem(row: Row) -> Problem:
    tests = row.columns.get("test_list")
    if not isinstance(tests, list) or not tests or not all(isinstance(t, str) for t in tests):
        found = json_type(tests)
        raise DataError(f'{row.where}: "test_list" is {found}; it must be a list of asserts')
    setup = row.columns.get("test_setup_code", "")
    if not isinstance(setup, str):
        raise DataError(f'{row.where}: "test_setup_code" is {json_type(setup)}; expected a string')
    code = _lines(row.text("code"))
    return Problem(
        id=f"mbpp_{_number(row)}",
        question=row.text("text").strip(),
        answer=code,
        rationale=code,
        fields={"tests": [str(test).strip() for test in tests], "setup": _lines(setup)},
    )


def _lines(code: str) -> str:
    """Code with one kind of line end and no space at its ends."""
    lines = code.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")
