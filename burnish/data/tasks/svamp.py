"""`svamp`: one-step word problems; trained on the ReFT release, tested on the 1,000 of SVAMP.

The release (arXiv:2401.08967) has `svamp/train_ncot.jsonl`, `svamp/train_pcot.jsonl` and
`svamp/test.jsonl` with `item_id`, `question`, `answer_cot` (train only) and `answer_value`. Its
train rows are of other collections of the same kind, written out by a large model; none is a test
question. A data set on the hub with `Body`, `Question` and `Answer` (such as ChilleD/SVAMP) has no
rationales and its train split is a part of those 1,000: never compare numbers between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from burnish.config import Config
from burnish.data.hub import load_hub_rows
from burnish.data.jsonl import Row, read_rows
from burnish.data.problems import problems_of
from burnish.data.rationales import Style, message_of, opening_of
from burnish.data.release import problem_of, prompt_for, target_for
from burnish.data.splitting import divide
from burnish.data.tasks.form import Form, in_form
from burnish.data.tasks.task import AnswerKind, Split
from burnish.types import Problem


class SvampTask(Config):
    """SVAMP, as N-CoT or P-CoT."""

    type: Literal["svamp"] = "svamp"
    """the task"""
    style: Style = "ncot"
    """ncot: a chain of thought in natural language; pcot: a Python program"""
    form: Form = "text"
    """text: the prompt as it is; chat: as the user's message, for models with a chat template"""
    folder: Path = Path("data")
    """the folder that holds svamp/train_ncot.jsonl, train_pcot.jsonl and test.jsonl"""
    hub: str | None = None
    """a data set on the hub to read instead of the folder, such as ChilleD/SVAMP"""

    @property
    def answer_kind(self) -> AnswerKind:
        """A number, written or computed."""
        return "numeric" if self.style == "ncot" else "program"

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split; dev is a tenth of the questions of train."""
        if split == "test":
            return problems_of(self._rows("test"), self._problem)
        return divide(problems_of(self._rows("train"), self._problem), split)

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

    def _message(self, problem: Problem) -> str:
        return message_of(problem.question, self.style)

    def _rows(self, part: Literal["train", "test"]) -> list[Row]:
        if self.hub is not None:
            return load_hub_rows(self.hub, split=part)
        name = "test.jsonl" if part == "test" else f"train_{self.style}.jsonl"
        return read_rows(self.folder / "svamp" / name)

    def _problem(self, row: Row) -> Problem:
        is_release = "Body" not in row.columns
        problem = problem_of(row, self.style) if is_release else _own_problem(row)
        return in_form(problem, self.form, self._message)


def _own_problem(row: Row) -> Problem:
    return Problem(
        id=row.text("ID"),
        question=f"{row.text('Body').strip()} {row.text('Question').strip()}",
        answer=row.text("Answer").strip(),
    )
