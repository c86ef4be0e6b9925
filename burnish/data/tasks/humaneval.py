"""`humaneval`: functions to be completed from signature and docstring (arXiv:2107.03374).

164 problems, all of them test problems. The prompt is the data set's own, zero-shot: code that the
completion goes on with. The folder has `humaneval/test.jsonl` with `task_id`, `prompt`,
`canonical_solution`, `test` and `entry_point`.

What the prompt defines beside the function that is asked for (`poly` of task 32, `encode_cyclic` of
task 38) belongs to the tests as well, and a solution cannot replace it there. The data set's own
defects: the tests of tasks 33, 37 and others also compare the function with itself, which any
function passes; their other asserts do judge.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.hub import load_hub_rows
from burnish.data.jsonl import Row, read_rows
from burnish.data.problems import problems_of
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

INSTRUCTION = (
    "Complete the Python function below as its docstring says. Write the whole function, with the"
    " imports it needs, and nothing else."
)


class HumanevalTask(Config):
    """HumanEval, for evaluation only."""

    type: Literal["humaneval"] = "humaneval"
    """the task"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    instruction: str = Field(default=INSTRUCTION, min_length=1)
    """what stands before the prompt in a chat; text has the prompt alone"""
    folder: Path = Path("data")
    """the folder that holds humaneval/test.jsonl"""
    hub: str | None = None
    """a data set on the hub to read instead, such as openai/openai_humaneval"""

    @property
    def answer_kind(self) -> AnswerKind:
        """Code that has to pass tests."""
        return "code_tests"

    def problems(self, split: Split) -> list[Problem]:
        """The 164 problems. Raises DataError where a split is wanted to learn from."""
        if split != "test":
            raise DataError(
                f"humaneval has no {split} split: its 164 problems are for testing only. Train on"
                " `mbpp`, and name `humaneval` as the task of `burnish eval --split test`."
            )
        if self.hub is None:
            rows = read_rows(self.folder / "humaneval" / "test.jsonl")
        else:
            rows = load_hub_rows(self.hub, split="test")
        problems = problems_of(rows, _problem)
        return [in_form(problem, self.form, self._message) for problem in problems]

    def prompt(self, problem: Problem) -> str:
        """The data set's own prompt; in a chat, the message."""
        return problem.messages[-1].content if problem.messages else problem.question

    def opening(self, problem: Problem) -> str:
        """The prompt: a completion may be the body of its function alone."""
        return problem.question

    def target(self, problem: Problem) -> str:
        """The reference solution: its body or, in a chat, all of it. Raises DataError."""
        if problem.rationale is None:
            raise DataError(f"problem {problem.id!r} has no reference solution")
        return str(problem.answer) if problem.messages else problem.rationale

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """None."""
        return {}

    def _message(self, problem: Problem) -> str:
        return f"{self.instruction}\n\n{problem.question}"


def _problem(row: Row) -> Problem:
    prompt, body = row.text("prompt"), row.text("canonical_solution").rstrip()
    entry_point = row.text("entry_point").strip()
    test = row.text("test").strip("\n")
    return Problem(
        id=row.text("task_id").strip(),
        question=prompt,
        answer=f"{prompt.rstrip()}\n{body}",
        rationale=body,
        fields={
            "tests": [f"{test}\n\ncheck({entry_point})"],
            "prelude": _helpers(row, prompt, entry_point),
            "context": prompt,
        },
    )


def _helpers(row: Row, prompt: str, entry_point: str) -> str:
    """The prompt without the function that is asked for: imports and helpers."""
    try:
        module = ast.parse(prompt)
    except SyntaxError as error:
        raise DataError(
            f'{row.where}: "prompt" is no Python ({error}); it must be a function with a docstring'
        ) from error
    kept = [
        statement
        for statement in module.body
        if not (isinstance(statement, ast.FunctionDef) and statement.name == entry_point)
    ]
    if len(kept) == len(module.body):
        raise DataError(f'{row.where}: "prompt" defines no function {entry_point!r}')
    return "\n".join(map(ast.unparse, kept))
