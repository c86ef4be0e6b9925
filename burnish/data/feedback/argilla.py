"""Exports of Argilla: records with fields, and what annotators answered to questions about them.

    {"id": ..., "fields": {"prompt": ..., "response1": ..., "response2": ...},
     "responses": {"preference": [{"value": "response1", "user_id": ...}]}}       records.to_json

and the same with columns `preference.responses`, `preference.responses.users` and
`preference.responses.status` (records.to_list(flatten=True), and data sets pushed to the hub).

What a question asks is told by its answers:

    the name of a field            a comparison: that one is the best
    a list of names of fields      a ranking, from the best
    a number                       a rating, of the answer whose name the question's name contains,
                                   or of the only one
    other words                    a comment on the same

Several numeric questions about one answer are its attributes as well. Drafts and discarded
responses do not count; a record that nobody has answered is skipped and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from burnish.data.feedback.answer_rows import grade_in, value_in
from burnish.data.feedback.dialogue import (
    Form,
    Prompt,
    answer_in,
    answer_text,
    problem_of,
    prompt_in,
)
from burnish.data.feedback.kinds import Fault, FaultyRowError, Feedback
from burnish.data.feedback.pair_rows import ranked_pairs
from burnish.data.jsonl import Row
from burnish.errors import DataError
from burnish.types import AttributeRating, Comment, Json, Rating

_PROMPTS = ("prompt", "instruction", "question", "input")
_ANSWERS = ("response", "answer", "completion", "generation", "output", "chosen", "rejected")
_SUFFIX = ".responses"
_UNFINISHED = ("draft", "discarded")


@dataclass(frozen=True, slots=True)
class _Said:
    """One annotator's answer to one question."""

    question: str
    value: Json
    user: str


def is_argilla(row: Row) -> bool:
    """Whether a row looks like an exported record."""
    columns = row.columns
    nested = isinstance(columns.get("fields"), dict) and isinstance(columns.get("responses"), dict)
    return nested or any(name.endswith(_SUFFIX) for name in columns)


def argilla_record(
    row: Row, form: Form, *, grades: tuple[int, int], scale: tuple[float, float]
) -> list[Feedback]:
    """All feedback of a record, of every kind. Raises DataError."""
    fields = _fields(row)
    prompt_name = next((name for name in _PROMPTS if name in fields.columns), None)
    answers = [name for name in fields.columns if name.startswith(_ANSWERS)]
    if prompt_name is None or not answers:
        raise DataError(
            f"{row.where}: the record's fields ({', '.join(fields.columns)}) have no prompt (one of"
            f" {', '.join(_PROMPTS)}) or no answer (a name that begins with {', '.join(_ANSWERS)})"
        )
    said = list(_said(row))
    if not said:
        raise FaultyRowError(
            Fault.NO_LABEL, f"{row.where}: nobody has answered the questions of this record"
        )
    record = _Record(row, fields, prompt_in(fields, prompt_name), answers, form)
    found = [item for answer in said for item in record.feedback(answer, grades)]
    return found + record.attributes(said, scale)


@dataclass(frozen=True, slots=True)
class _Record:
    row: Row
    fields: Row
    prompt: Prompt
    answers: Sequence[str]
    form: Form

    def feedback(self, said: _Said, grades: tuple[int, int]) -> list[Feedback]:
        """What one answer to one question says."""
        value = said.value
        if isinstance(value, str) and value in self.answers:
            return [*self._ranked([value], said.user)]
        if isinstance(value, list) and value and all(name in self.answers for name in value):
            return [*self._ranked([str(name) for name in value], said.user)]
        about = self._about(said.question)
        if about is None:
            return []
        problem = problem_of(self.prompt, self.form)
        text = answer_text(self.prompt, answer_in(self.fields, about), self.form)
        if isinstance(value, str) and value.strip():
            return [Comment(problem, text, value, source=f"user {said.user}")]
        if isinstance(value, int | float) and not isinstance(value, bool):
            named = Row(self.row.source, self.row.number, {said.question: value})
            return [Rating(problem, text, grade_in(named, said.question, grades), said.user)]
        return []

    def attributes(self, said: Sequence[_Said], scale: tuple[float, float]) -> list[Feedback]:
        """Of each answer that several numeric questions are about, their means over annotators."""
        values: dict[str, dict[str, list[float]]] = {}
        for one in said:
            about = self._about(one.question)
            named = Row(self.row.source, self.row.number, {one.question: one.value})
            if about is not None and isinstance(one.value, int | float):
                value = value_in(named, one.question, scale)
                if value is not None:
                    values.setdefault(about, {}).setdefault(one.question, []).append(value)
        problem = problem_of(self.prompt, self.form)
        return [
            AttributeRating(
                problem,
                answer_text(self.prompt, answer_in(self.fields, about), self.form),
                {name: fmean(numbers) for name, numbers in of_question.items()},
            )
            for about, of_question in values.items()
            if len(of_question) > 1
        ]

    def _ranked(self, best_first: Sequence[str], user: str) -> list[Feedback]:
        """Answers that were not named share the last rank, which says nothing among them."""
        order = {name: place for place, name in enumerate(best_first)}
        ranks = [order.get(name, len(order)) for name in self.answers]
        texts = [answer_in(self.fields, name) for name in self.answers]
        row = Row(self.row.source, self.row.number, {"source": f"user {user}"})
        pairs = ranked_pairs(row, self.prompt, texts, ranks, self.form)
        return [pair for pair in pairs if pair.probability != 0.5]

    def _about(self, question: str) -> str | None:
        """The answer that a question is about."""
        named = [name for name in self.answers if name in question]
        if named:
            return max(named, key=len)
        return self.answers[0] if len(self.answers) == 1 else None


def _fields(row: Row) -> Row:
    nested = row.columns.get("fields")
    columns: Mapping[str, Json] = nested if isinstance(nested, dict) else row.columns
    if not isinstance(nested, dict):
        columns = {k: v for k, v in columns.items() if isinstance(v, str | list) and "." not in k}
    return Row(row.source, row.number, columns)


def _said(row: Row) -> Iterator[_Said]:
    nested = row.columns.get("responses")
    found = _nested(nested) if isinstance(nested, dict) else _flattened(row)
    return (said for state, said in found if state not in _UNFINISHED)


def _nested(responses: Mapping[str, Json]) -> Iterator[tuple[Json, _Said]]:
    """Each response with its status."""
    for question, answers in responses.items():
        for answer in answers if isinstance(answers, list) else ():
            if isinstance(answer, dict):
                said = _Said(question, answer.get("value"), str(answer.get("user_id") or ""))
                yield answer.get("status"), said


def _flattened(row: Row) -> Iterator[tuple[Json, _Said]]:
    for name, values in row.columns.items():
        if name.endswith(_SUFFIX) and isinstance(values, list):
            users = _column(row, f"{name}.users", len(values))
            status = _column(row, f"{name}.status", len(values))
            for value, user, state in zip(values, users, status, strict=True):
                yield state, _Said(name.removesuffix(_SUFFIX), value, str(user or ""))


def _column(row: Row, name: str, size: int) -> list[Json]:
    found = row.columns.get(name)
    if found is None:
        return [None] * size
    if not isinstance(found, list) or len(found) != size:
        raise DataError(f'{row.where}: "{name}" must be a list of {size}, as long as its responses')
    return found
