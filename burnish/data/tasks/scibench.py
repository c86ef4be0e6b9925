"""`scibench`: 580 textbook problems of mathematics, physics and chemistry (arXiv:2307.10635).

Answers are numbers with units. As in the benchmark the question names the unit, and a power of ten
that its files keep beside the unit ("3.52", "10^-19 J") belongs to the number; the words are ours.
The grader reports the benchmark's tolerance, that of its first release and a stricter one.

The folder has `scibench/test.jsonl` with `problem_text`, `answer_number`, `unit`, `source` (the
book: atkins, calculus, chemmc, class, diff, fund, matter, quan, stat, thermo) and `problemid`.
Problem ids of the books repeat, so ours are of book and row. A few gold answers disagree with the
`answer_latex` beside them; they are graded as `answer_number` says, as in the benchmark.
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
from burnish.data.quantities import gold_quantity
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

INSTRUCTION = (
    "You know the natural sciences and their mathematics well. Solve the problem below, one step"
    " after the other, and write its solution and nothing else. Close the solution with the line"
    ' "Therefore, the answer is: number unit", with your result as a decimal number in place of'
    " the word number (a very large or small one as 1.6e-19) and its unit, if it has one."
)
_OPENING = "Solution:\n"


class ScibenchTask(Config):
    """College science."""

    type: Literal["scibench"] = "scibench"
    """the task"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    instruction: str = Field(default=INSTRUCTION, min_length=1)
    """what stands before the problem; the grader wants "Therefore, the answer is:" (see
    `grader.trigger`) or a \\boxed{}"""
    sources: tuple[str, ...] = ()
    """the books to take problems from, such as [atkins, quan]; all where empty"""
    folder: Path = Path("data")
    """the folder that holds scibench/test.jsonl"""
    hub: str | None = None
    """a data set on the hub to read instead, such as xw27/scibench (its rows are named train)"""
    hub_split: str = "train"
    """the split of the data set on the hub that has the problems"""

    @property
    def answer_kind(self) -> AnswerKind:
        """A number with a unit."""
        return "quantity"

    def problems(self, split: Split) -> list[Problem]:
        """The problems, in the data set's order. Raises DataError where one is to learn from."""
        if split != "test":
            raise DataError(
                f"scibench has no {split} split: its problems are for testing only. Train on other"
                " rows (`task: {type: rows, ...}`), and name `scibench` as the task of"
                " `burnish eval --split test`."
            )
        if self.hub is None:
            rows = read_rows(self.folder / "scibench" / "test.jsonl")
        else:
            rows = load_hub_rows(self.hub, split=self.hub_split)
        problems = problems_of(rows, self._problem)
        return self._chosen(problems)

    def prompt(self, problem: Problem) -> str:
        """Instruction, problem and the unit of the answer; in a chat, the message."""
        if problem.messages:
            return problem.messages[-1].content
        return f"{self.instruction}\n\nProblem:\n{problem.question}\n\n{_OPENING}"

    def opening(self, problem: Problem) -> str:
        """The word after which a solution begins."""
        return _OPENING

    def target(self, problem: Problem) -> str:
        """The solution, closed with number and unit. Raises DataError where there is none."""
        if problem.rationale is None:
            raise DataError(f"problem {problem.id!r} has no solution to imitate")
        closing = f"{problem.answer} {problem.fields.get('unit', '')}".rstrip()
        return f"{problem.rationale}\nTherefore, the answer is: {closing}"

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """None."""
        return {}

    def _chosen(self, problems: list[Problem]) -> list[Problem]:
        known = list(dict.fromkeys(str(problem.fields["source"]) for problem in problems))
        missing = [source for source in self.sources if source not in known]
        if missing:
            raise DataError(
                f"task.sources: no problem is from {missing[0]!r}; the rows have {', '.join(known)}"
            )
        wanted = self.sources or known
        return [problem for problem in problems if problem.fields["source"] in wanted]

    def _problem(self, row: Row) -> Problem:
        gold, unit = gold_quantity(row.text("answer_number"), str(row.columns.get("unit") or ""))
        source = row.text("source").strip()
        problem = Problem(
            id=f"scibench_{source}_{row.number - 1}",
            question=f"{row.text('problem_text').strip()}\n{_wanted(unit)}",
            answer=gold,
            fields={"source": source, "unit": unit, "problemid": row.columns.get("problemid")},
        )
        return in_form(problem, self.form, self._message)

    def _message(self, problem: Problem) -> str:
        return f"{self.instruction}\n\n{problem.question}"


def _wanted(unit: str) -> str:
    """What the question says about the unit."""
    return f"Give the answer in {unit}." if unit else "The answer is a number without a unit."
