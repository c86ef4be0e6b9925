"""Rows of one answer, and what somebody says of it.

    {"prompt": "...", "completion": "...", "label": true}               TRL unpaired: good or bad
    {"prompt": "...", "response": "...", "rating": 4, "rater": "ann"}   a rating on a scale
    {"prompt": "...", "response": "...", "helpfulness": 3, ...}         HelpSteer's attributes
    {"prompt": "...", "response": "...", "attributes": {"tone": 2}}     attributes of one's own
    {"prompt": "...", "response": "...", "comment": "Too long."}        free words

The answer stands in `response` or `completion`; as messages, prompt and answer are lists. null says
that nothing is known of an attribute.
"""

from __future__ import annotations

from collections.abc import Mapping

from burnish.data.feedback.dialogue import (
    Form,
    Prompt,
    answer_in,
    answer_text,
    problem_of,
    prompt_in,
)
from burnish.data.feedback.kinds import Fault, FaultyRowError
from burnish.data.feedback.provenance import name_in, number_in, provenance_of
from burnish.data.jsonl import Row, json_type
from burnish.errors import DataError
from burnish.types import AttributeRating, Comment, Json, Problem, Rating

HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
GOOD_OR_BAD = (0, 1)


def unpaired(row: Row, form: Form) -> list[Rating]:
    """True: good, the upper one of two grades."""
    label = row.columns["label"]
    if not isinstance(label, bool) and label not in (0, 1):
        raise DataError(
            f'{row.where}: "label" is {label!r:.40}; expected true (a good answer) or false'
        )
    problem, text = _judged(row, form)
    source, weight = provenance_of(row)
    return [Rating(problem, text, int(bool(label)), name_in(row, "rater"), source, weight)]


def rating(row: Row, form: Form, scale: tuple[int, int]) -> list[Rating]:
    """One rater's grade."""
    problem, text = _judged(row, form)
    grade = grade_in(row, "rating", scale)
    source, weight = provenance_of(row)
    return [Rating(problem, text, grade, name_in(row, "rater"), source, weight)]


def grade_in(row: Row, column: str, scale: tuple[int, int]) -> int:
    """A whole number on the scale, counted from 0. Raises DataError."""
    found, (low, high) = number_in(row, column), scale
    if found is None or found != int(found) or not low <= found <= high:
        raise FaultyRowError(
            Fault.OUT_OF_SCALE,
            f'{row.where}: "{column}" is {row.columns.get(column)!r:.40}; expected a whole number'
            f" from {low} to {high}. Mend the row, or set `task.rating_scale` to the scale that was"
            " used.",
        )
    return int(found) - low


def attributes(row: Row, form: Form, scale: tuple[float, float]) -> list[AttributeRating]:
    """The attributes that anything is known of."""
    own = row.columns.get("attributes")
    if own is not None and not isinstance(own, dict):
        raise DataError(f'{row.where}: "attributes" is {json_type(own)}; expected an object')
    found: Mapping[str, Json] = own or {n: row.columns[n] for n in HELPSTEER if n in row.columns}
    named = Row(row.source, row.number, found)
    values = {name: value_in(named, name, scale) for name in found}
    problem, text = _judged(row, form)
    source, weight = provenance_of(row)
    return [AttributeRating(problem, text, values, source, weight)]


def value_in(row: Row, column: str, scale: tuple[float, float]) -> float | None:
    """An attribute's value; None where it is null. Raises DataError."""
    found, (low, high) = number_in(row, column), scale
    if found is not None and not low <= found <= high:
        raise FaultyRowError(
            Fault.OUT_OF_SCALE,
            f'{row.where}: the attribute "{column}" is {found:g}; expected {low:g} to {high:g}.'
            " Mend the row, or set `task.attribute_scale` to the scale that was used.",
        )
    return found


def comment(row: Row, form: Form) -> list[Comment]:
    """Free words about the answer."""
    words = row.columns.get("comment")
    if isinstance(words, str) and not words.strip():
        raise FaultyRowError(
            Fault.NO_LABEL,
            f'{row.where}: "comment" is empty, so nothing is said of the answer. Remove the row.',
        )
    problem, text = _judged(row, form)
    source, weight = provenance_of(row)
    return [Comment(problem, text, row.text("comment"), source, weight)]


def _judged(row: Row, form: Form) -> tuple[Problem, str]:
    prompt: Prompt = prompt_in(row, "prompt")
    column = "response" if "response" in row.columns else "completion"
    return problem_of(prompt, form), answer_text(prompt, answer_in(row, column), form)
