"""`mbpp_repair`: MBPP problems with a wrong first program, to be put right (arXiv:2409.12917).

The prompt is that of `mbpp`, the wrong program, and an instruction to correct code with the content
of the paper's:

    {prompt of mbpp}{wrong program}\\n[DONE]\\n\\n{instruction}\\n[BEGIN]\\n | {code}\\n[DONE]

The wrong programs come from a weaker policy, by `burnish sample RECIPE --split train --limit 0
--num 4 --temperature 1 --out FILE` with `task: {type: mbpp}`: of each problem the first distinct
ones that failed its tests. Splits are those of MBPP by the problem. Where we differ: the paper's
own wrong programs, of a model of that time, are not public in a form that we could read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.jsonl import Row, read_rows
from burnish.data.tasks.correction import CODE_INSTRUCTION
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.mbpp import BEGIN, DONE, MbppTask, solved
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

FIRST_ATTEMPT = "first_attempt"


class MbppRepairTask(Config):
    """MBPP with a wrong first program."""

    type: Literal["mbpp_repair"] = "mbpp_repair"
    """the task"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    attempts: Path = Path("data/mbpp/attempts.jsonl")
    """the file that `burnish sample --out` wrote on mbpp; of several, put one after the other"""
    attempts_per_problem: int = Field(default=1, ge=1)
    """most wrong programs of one problem, each of which becomes a problem"""
    shots: int = Field(default=3, ge=0, le=3)
    """how many solved problems stand before the one that is asked"""
    instruction: str = Field(default=CODE_INSTRUCTION, min_length=1)
    """what asks to put the program right, after it"""
    folder: Path = Path("data")
    """the folder that holds mbpp/mbpp.jsonl"""

    @property
    def answer_kind(self) -> AnswerKind:
        """Code that has to pass tests."""
        return "code_tests"

    def problems(self, split: Split) -> list[Problem]:
        """One for each wrong program that is taken, in the order of MBPP."""
        wrong = self._wrong_programs()
        problems = [
            _repair(problem, number, program)
            for problem in self._mbpp.problems(split)
            for number, program in enumerate(wrong.pop(problem.id, ()), start=1)
        ]
        if not problems:
            raise DataError(
                f"{self.attempts}: no wrong program for a {split} problem of mbpp. Sample some with"
                f" `burnish sample RECIPE --split {split} --limit 0 --out FILE`, from a policy that"
                " makes mistakes."
            )
        return [in_form(problem, self.form, self.prompt) for problem in problems]

    def prompt(self, problem: Problem) -> str:
        """The first attempt's prompt, the attempt and the instruction."""
        attempt = problem.fields[FIRST_ATTEMPT]
        return f"{self._mbpp.prompt(problem)}{attempt}\n{DONE}\n\n{self.instruction}\n{BEGIN}\n"

    def opening(self, problem: Problem) -> str:
        """The sign after which a program begins."""
        return f"{BEGIN}\n"

    def target(self, problem: Problem) -> str:
        """The reference solution and the sign that it is all."""
        return solved(problem)

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """Whether the completion is the wrong program once more."""
        attempt = str(problem.fields[FIRST_ATTEMPT])
        return {"unchanged": float(text.partition(DONE)[0].strip() == attempt)}

    @property
    def _mbpp(self) -> MbppTask:
        return MbppTask(shots=self.shots, folder=self.folder)

    def _wrong_programs(self) -> dict[str, list[str]]:
        """By the problem's id."""
        known = {problem.id for problem in self._mbpp.numbered().values()}
        wrong: dict[str, list[str]] = {}
        for row in read_rows(self.attempts):
            problem_id, program = row.text("id"), _wrong_program(row)
            if problem_id not in known:
                raise DataError(f"{row.where}: {problem_id!r} is no problem of {self.folder}/mbpp")
            programs = wrong.setdefault(problem_id, [])
            if program and program not in programs and len(programs) < self.attempts_per_problem:
                programs.append(program)
        return wrong


def _wrong_program(row: Row) -> str | None:
    """The program of a sample; None where it is right, or where there is none."""
    is_correct = row.columns.get("is_correct")
    if is_correct is None and "failure" in row.columns:
        return None
    if not isinstance(is_correct, bool):
        raise DataError(
            f'{row.where}: "is_correct" is {is_correct!r:.40}; expected a line of the file that'
            " `burnish sample --out` writes"
        )
    return None if is_correct or row.columns.get("answer") is None else row.text("answer").strip()


def _repair(problem: Problem, number: int, program: str) -> Problem:
    fields = {**problem.fields, FIRST_ATTEMPT: program}
    return replace(problem, id=f"{problem.id}_repair_{number}", fields=fields)
