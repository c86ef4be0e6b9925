"""`mathqa`: algebra word problems with five options each (arXiv:1905.13319).

As in ReFT (arXiv:2401.08967) there are two of it: `mcq` asks for the letter of an option, which
stand in the question; `numeric` leaves the options away and asks for the number. The folder has
`mathqa/{variant}_train_{style}.jsonl` and `mathqa/{variant}_test.jsonl` in the format of the ReFT
release. The paper's training rationales were written by a large model and are not part of it for
this data set. One on the hub in MathQA's own format (`Problem`, `options`, `correct`, `Rationale`)
has the annotators' rationales, which are of uneven quality, and no programs.
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
from burnish.data.rationales import Style, opening_of, prompt_of
from burnish.data.release import problem_of, target_for
from burnish.data.splitting import divide
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

_OPTION = re.compile(r"\b([a-e]) \) (.*?)(?= , [a-e] \) |$)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_KINDS: Mapping[tuple[str, str], AnswerKind] = {
    ("mcq", "ncot"): "multiple_choice",
    ("mcq", "pcot"): "program_choice",
    ("numeric", "ncot"): "numeric",
    ("numeric", "pcot"): "program",
}

Part = Literal["train", "test"]


class MathqaTask(Config):
    """MathQA with letters or with numbers, as N-CoT or P-CoT."""

    type: Literal["mathqa"] = "mathqa"
    """the task"""
    variant: Literal["mcq", "numeric"] = "numeric"
    """mcq: answer with the letter of an option; numeric: no options, answer with the number"""
    style: Style = "ncot"
    """ncot: a chain of thought in natural language; pcot: a Python program"""
    folder: Path = Path("data")
    """the folder that holds mathqa/mcq_test.jsonl, mcq_train_ncot.jsonl and so on"""
    hub: str | None = None
    """a data set on the hub to read instead of the folder, such as regisss/math_qa (no programs)"""

    @property
    def answer_kind(self) -> AnswerKind:
        """A letter or a number, written or computed."""
        return _KINDS[self.variant, self.style]

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split; dev is a tenth of the questions of train."""
        if split == "test":
            return self._problems("test")
        return divide(self._problems("train"), split)

    def prompt(self, problem: Problem) -> str:
        """ReFT's prompt; in pcot with the header of the program."""
        return prompt_of(problem.question, self.style)

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
        if self.hub is None:
            kind = f"train_{self.style}" if part == "train" else "test"
            rows = read_rows(self.folder / "mathqa" / f"{self.variant}_{kind}.jsonl")
        else:
            rows = load_hub_rows(self.hub, split=part)

        def problem(row: Row) -> Problem:
            is_own = "Problem" in row.columns
            return self._own_problem(row, part) if is_own else problem_of(row, self.style)

        return [p for p in problems_of(rows, problem) if p.answer is not None]

    def _own_problem(self, row: Row, part: Part) -> Problem:
        """A row of MathQA itself; without an answer where it is wanted as a number and is none."""
        options, letter = _one_line(row.text("options")), row.text("correct").strip()
        contents: dict[str, str] = dict(_OPTION.findall(options))
        if letter not in contents:
            raise DataError(
                f'{row.where}: "correct" is {letter!r}, which is none of the options {options!r};'
                ' they are written "a ) 38 , b ) 27.675 , c ) 30"'
            )
        question, answer = row.text("Problem").strip(), contents[letter].strip()
        is_number = _NUMBER.fullmatch(answer) is not None
        if self.variant == "mcq":
            question, answer = f"{question}\n{options}", letter
        return Problem(
            id=f"mathqa_{part}_{row.number - 1}",
            question=question,
            answer=answer if self.variant == "mcq" or is_number else None,
            rationale=row.text("Rationale").strip() if self.style == "ncot" else None,
        )


def _one_line(options: str) -> str:
    """Some rows have "['a ) 12', 'b ) 15']" where most have "a ) 12 , b ) 15"."""
    return options.strip().removeprefix("['").removesuffix("']").replace("', '", " , ")
