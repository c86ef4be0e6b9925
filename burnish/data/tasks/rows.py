"""`rows`: your own problems, as JSON lines in any of the formats that `formats.py` knows.

A plain prompt is used as it stands (or put into `template`); a conversation is rendered by the
tokenizer's chat template. Files are read whole and every row is checked before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.formats import EXCHANGE_COLUMNS, Exchange, read_exchange, require_one_format
from burnish.data.gold import ANSWER_COLUMNS, answer_column, answer_text
from burnish.data.jsonl import Row, read_rows
from burnish.data.problems import problems_of
from burnish.data.splitting import divide, question_key
from burnish.data.tasks.task import AnswerKind, Split
from burnish.errors import DataError
from burnish.types import Problem

_ID_COLUMNS = ("id", "item_id")
_MOST_ID_CHARS = 200
_PLACE = re.compile(r"\{(question|rationale|answer)\}")


class RowsTask(Config):
    """Rows of one's own: TRL, OpenAI, ShareGPT or question and answer."""

    type: Literal["rows"] = "rows"
    """the task"""
    train: Path | None = None
    """JSON lines to learn from"""
    dev: Path | None = None
    """JSON lines to select the model on; null: a share of the questions of train, by hash"""
    test: Path | None = None
    """JSON lines to report on; never used for anything else"""
    dev_share: float = Field(default=0.1, gt=0, lt=1)
    """share of the distinct questions of train that become dev where no file is given"""
    answer_kind: AnswerKind = "numeric"
    """how an answer is read off a completion: numeric, multiple_choice, program, program_choice,
    code_tests, math"""
    answer_key: str | None = None
    """the column with the gold answer; null: the one named answer, ground_truth, solution, ..."""
    rationale_key: str | None = None
    """the column with the completion to imitate; null: the row's own completion or last reply"""
    require_answer: bool = True
    """whether each row must have a gold answer (false for supervised rows)"""
    allow_overlap: bool = False
    """whether a question of train may stand in dev or test as well"""
    template: str = "{question}"
    """the prompt of a plain row; conversations have the tokenizer's chat template instead"""
    target_template: str = "{rationale}"
    """the completion to imitate; may name {answer}, {question}, and must name {rationale}"""

    @model_validator(mode="after")
    def _check_templates(self) -> Self:
        if "{question}" not in self.template:
            raise ValueError('template must contain "{question}"')
        if "{rationale}" not in self.target_template:
            raise ValueError('target_template must contain "{rationale}"')
        return self

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split, in the order of the file. Raises DataError for any bad row."""
        if split == "train" and self.dev is not None:
            return self._read("train")
        if split == "train" or (split == "dev" and self.dev is None):
            return self._side(split)
        problems = self._read(split)
        if self.train is not None and not self.allow_overlap:
            _require_unseen(problems, self._read("train"), split)
        return problems

    def prompt(self, problem: Problem) -> str:
        """The text before the completion; for a conversation only a readable form of it."""
        if problem.messages:
            return problem.question
        return _filled(self.template, {"question": problem.question})

    def opening(self, problem: Problem) -> str:
        """Nothing: what of the template begins the completion is not known."""
        return ""

    def target(self, problem: Problem) -> str:
        """The completion to imitate. Raises DataError where the row has none."""
        if problem.rationale is None:
            raise DataError(
                f"problem {problem.id!r} has no completion to imitate; supervised training needs"
                ' rows with a "completion", an assistant\'s reply, or `task.rationale_key`'
            )
        texts = {"question": problem.question, "rationale": problem.rationale}
        if problem.answer is not None:
            texts["answer"] = problem.answer
        elif "{answer}" in self.target_template:
            raise DataError(f"problem {problem.id!r} has no answer for `task.target_template`")
        return _filled(self.target_template, texts)

    def traits(self, problem: Problem, text: str) -> Mapping[str, float]:
        """None."""
        return {}

    def _side(self, split: Literal["train", "dev"]) -> list[Problem]:
        problems = divide(self._read("train"), split, dev_share=self.dev_share)
        if not problems:
            raise DataError(
                f"{self.train}: has one distinct question, too few to take a dev split from it;"
                " give more rows, or a file as `task.dev`"
            )
        return problems

    def _read(self, split: Split) -> list[Problem]:
        path = {"train": self.train, "dev": self.dev, "test": self.test}[split]
        if path is None:
            raise DataError(f"the recipe names no file as `task.{split}`, but this run needs one")
        rows = read_rows(path)
        return problems_of(rows, self._maker(rows[0], split))

    def _maker(self, first_row: Row, split: Split) -> Callable[[Row], Problem]:
        """What turns a row of this file into a problem, judging from the first row."""
        first = read_exchange(first_row)
        if first.messages and self.template != RowsTask.model_fields["template"].default:
            raise DataError(
                f"{first_row.where}: `task.template` is for plain prompts, but the rows are"
                f" conversations ({first.format}); remove it, or give plain rows"
            )
        answer_key = self.answer_key or answer_column(first_row)
        if answer_key is None and self.require_answer:
            raise DataError(
                f"{first_row.where}: no gold answer; expected a column of a name such as"
                f" {', '.join(ANSWER_COLUMNS[:4])}. Name yours as `task.answer_key`, or set"
                " `task.require_answer` to false for supervised training."
            )

        def problem(row: Row) -> Problem:
            exchange = read_exchange(row)
            require_one_format(exchange, first, row, first_row)
            return self._problem(row, exchange, answer_key, split)

        return problem

    def _problem(
        self, row: Row, exchange: Exchange, answer_key: str | None, split: Split
    ) -> Problem:
        key = answer_key
        if not self.require_answer and (key is None or row.columns.get(key) is None):
            key = None
        return Problem(
            id=_id_of(row, split),
            question=exchange.question,
            answer=None if key is None else answer_text(row, key),
            rationale=row.text(self.rationale_key) if self.rationale_key else exchange.reply,
            messages=exchange.messages,
            fields={k: v for k, v in row.columns.items() if k not in EXCHANGE_COLUMNS},
        )


def _id_of(row: Row, split: Split) -> str:
    """The row's own id, else its file's split and line: "train:17"."""
    for column in _ID_COLUMNS:
        if isinstance(value := row.columns.get(column), int) and not isinstance(value, bool):
            return str(value)
        if column in row.columns:
            return _short(row, column)
    return f"{split}:{row.number}"


def _short(row: Row, column: str) -> str:
    """An id stands in messages, logs and results."""
    text = row.text(column)
    if len(text) > _MOST_ID_CHARS:
        raise DataError(
            f'{row.where}: "{column}" has {len(text)} characters; an id may have at most'
            f" {_MOST_ID_CHARS}"
        )
    return text


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """The template with each named text once put in; braces inside the texts stay as they are."""
    return _PLACE.sub(lambda place: texts.get(place[1], place[0]), template)


def _require_unseen(problems: list[Problem], train: list[Problem], split: Split) -> None:
    seen = {question_key(problem.question): problem for problem in train}
    for problem in problems:
        twin = seen.get(question_key(problem.question))
        if twin is not None:
            raise DataError(
                f"problem {problem.id!r} of {split} asks what {twin.id!r} of train asks, so {split}"
                " would measure memory. Remove one of them, or set `task.allow_overlap` to true."
            )
