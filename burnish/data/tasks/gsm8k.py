"""`gsm8k`: grade-school word problems of two to eight steps (arXiv:2110.14168).

N-CoT reads the data set's own rows: `question`, and `answer` with a worked solution, calculator
annotations `<<48/2=24>>` and the gold answer after `####`. P-CoT reads `train_pcot.jsonl` in the
format of the ReFT release (arXiv:2401.08967); the test rows are the same. Where we differ from the
paper: its N-CoT rationales were written by a large model, these are the annotators' own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from burnish.config import Config
from burnish.data.hub import load_hub_rows
from burnish.data.jsonl import Row, read_rows
from burnish.data.problems import problems_of
from burnish.data.rationales import Style, message_of, opening_of
from burnish.data.release import RATIONALE, problem_of, prompt_for, target_for
from burnish.data.splitting import divide
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

_CALCULATION = re.compile(r"<<[^<>]*>>")
_GOLD = "####"

Part = Literal["train", "test"]


class Gsm8kTask(Config):
    """GSM8K, as N-CoT or P-CoT."""

    type: Literal["gsm8k"] = "gsm8k"
    """the task"""
    style: Style = "ncot"
    """ncot: a chain of thought in natural language; pcot: a Python program"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    folder: Path = Path("data")
    """the folder that holds gsm8k/train.jsonl, train_pcot.jsonl and test.jsonl"""
    hub: str | None = None
    """a data set on the hub to read instead of the folder, such as openai/gsm8k (no programs)"""
    hub_subset: str | None = "main"
    """the configuration of the data set on the hub"""

    @property
    def answer_kind(self) -> AnswerKind:
        """A number, written or computed."""
        return "numeric" if self.style == "ncot" else "program"

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split; dev is a tenth of the questions of train."""
        if split == "test":
            return self._problems("test")
        return divide(self._problems("train"), split)

    def prompt(self, problem: Problem) -> str:
        """ReFT's prompt, in pcot with the header of the program; in a chat, the message."""
        return prompt_for(problem, self.style)

    def opening(self, problem: Problem) -> str:
        """What stands after the question; in pcot with the header of the program."""
        return opening_of(problem.question, self.style)

    def target(self, problem: Problem) -> str:
        """ReFT's target. Raises DataError for a problem without a rationale."""
        return target_for(problem, self.style)

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """None."""
        return {}

    def _problems(self, part: Part) -> list[Problem]:
        def problem(row: Row) -> Problem:
            is_release = RATIONALE in row.columns
            found = problem_of(row, self.style) if is_release else self._own_problem(row, part)
            return in_form(found, self.form, self._message)

        return problems_of(self._rows(part), problem)

    def _message(self, problem: Problem) -> str:
        return message_of(problem.question, self.style)

    def _rows(self, part: Part) -> list[Row]:
        if self.hub is not None:
            return load_hub_rows(self.hub, split=part, subset=self.hub_subset)
        has_programs = part == "train" and self.style == "pcot"
        return read_rows(self.folder / "gsm8k" / f"{part}{'_pcot' * has_programs}.jsonl")

    def _own_problem(self, row: Row, part: Part) -> Problem:
        solution, mark, gold = row.text("answer").rpartition(_GOLD)
        if not mark or not gold.strip():
            raise DataError(f'{row.where}: "answer" has no gold answer; it must end in "#### 42"')
        chain = _CALCULATION.sub("", solution).strip()
        return Problem(
            id=f"gsm8k_{part}_{row.number - 1}",
            question=row.text("question").strip(),
            answer=gold.strip().replace(",", ""),
            rationale=chain if chain and self.style == "ncot" else None,
        )
