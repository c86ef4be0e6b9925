"""`math500`: 500 competition problems of MATH (arXiv:2103.03874; the split of arXiv:2305.20050).

The prompt has the content of SCoRe's (arXiv:2409.12917) in our words: an expert, the solution of
this problem alone, step by step, and a last line of a fixed form with the answer, from which our
mathematics grader reads it. The folder has `math500/test.jsonl` with `problem`, `solution`,
`answer`, `subject`, `level` and `unique_id`.

To train, put rows of MATH beside it as `math500/train.jsonl`; without `answer`, the last
\\boxed{} of the solution is the answer. The paper trains on MATH's 7,500 and on those 4,500 of its
test problems that are not among the 500; a test problem among the training rows is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.hub import load_hub_rows
from burnish.data.jsonl import Row, read_rows
from burnish.data.problems import problems_of
from burnish.data.splitting import divide, question_key
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

INSTRUCTION = (
    "You know mathematics well. Solve the problem below, one step after the other, and write its"
    ' solution and nothing else. Close the solution with the line "Therefore, the answer is:'
    ' $answer$", where your final answer stands in place of the word between the dollar signs.'
)
_OPENING = "Solution:\n"

Part = Literal["train", "test"]


class Math500Task(Config):
    """Competition mathematics."""

    type: Literal["math500"] = "math500"
    """the task"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    instruction: str = Field(default=INSTRUCTION, min_length=1)
    """what stands before the problem; the grader wants "Therefore, the answer is:" (see
    `grader.trigger`) or a \\boxed{}"""
    folder: Path = Path("data")
    """the folder that holds math500/test.jsonl, and math500/train.jsonl to train"""
    hub: str | None = None
    """a data set on the hub to read instead, such as HuggingFaceH4/MATH-500 (test only)"""

    @property
    def answer_kind(self) -> AnswerKind:
        """A mathematical expression."""
        return "math"

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split; dev is a tenth of the questions of train. Raises DataError."""
        test = self._problems("test")
        if split == "test":
            return test
        train = self._problems("train")
        _require_unseen(test, train)
        return divide(train, split)

    def prompt(self, problem: Problem) -> str:
        """Instruction and problem; in a chat, the message."""
        if problem.messages:
            return problem.messages[-1].content
        return f"{self.instruction}\n\nProblem:\n{problem.question}\n\n{_OPENING}"

    def opening(self, problem: Problem) -> str:
        """The word after which a solution begins."""
        return _OPENING

    def target(self, problem: Problem) -> str:
        """The data set's solution, closed as the instruction wants it. Raises DataError."""
        if problem.rationale is None:
            raise DataError(f"problem {problem.id!r} has no solution to imitate")
        return f"{problem.rationale}\nTherefore, the answer is: ${problem.answer}$"

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """None."""
        return {}

    def _problems(self, part: Part) -> list[Problem]:
        if self.hub is None:
            rows = read_rows(self.folder / "math500" / f"{part}.jsonl")
        else:
            rows = load_hub_rows(self.hub, split=part)
        return problems_of(rows, lambda row: self._problem(row, part))

    def _problem(self, row: Row, part: Part) -> Problem:
        solution = row.text("solution").strip()
        answer = row.text("answer").strip() if "answer" in row.columns else _last_box(row, solution)
        number = f"math500_{part}_{row.number - 1}"
        problem = Problem(
            id=row.text("unique_id") if "unique_id" in row.columns else number,
            question=row.text("problem").strip(),
            answer=answer,
            rationale=solution,
            fields={key: row.columns.get(key) for key in ("subject", "level")},
        )
        return in_form(problem, self.form, self._message)

    def _message(self, problem: Problem) -> str:
        return f"{self.instruction}\n\n{problem.question}"


def _last_box(row: Row, solution: str) -> str:
    """What stands in the last \\boxed{}, braces inside it matched. Raises DataError."""
    _, found, tail = solution.rpartition("\\boxed{")
    depth = 1
    for position, letter in enumerate(tail if found else ""):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return tail[:position].strip()
    raise DataError(
        f'{row.where}: no column "answer", and "solution" has no closed \\boxed{{}} to take it from'
    )


def _require_unseen(test: list[Problem], train: list[Problem]) -> None:
    known = {question_key(problem.question): problem for problem in test}
    for problem in train:
        twin = known.get(question_key(problem.question))
        if twin is not None:
            raise DataError(
                f"math500: the training problem {problem.id!r} is the test problem {twin.id!r}; the"
                " accuracy would measure memory. Leave the 500 test problems out of train.jsonl."
            )
