"""The rows of PRM800K (arXiv:2305.20050) as they are published: a tree along one chosen solution.

    {"question": {"problem": "..."},
     "label": {"steps": [{"completions": [{"text": "...", "rating": 1}, ...],
                          "human_completion": null, "chosen_completion": 0}, ...]}}

At each step people rated several candidates and went on with the chosen one, or wrote their own.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

from burnish.data.jsonl import Row, json_type
from burnish.errors import DataError
from burnish.types import Json, Problem

Rating: TypeAlias = Literal[-1, 0, 1]
Rated: TypeAlias = tuple[Problem, tuple[str, ...], tuple[Rating | None, ...]]
"""A question, steps and their ratings; None for a step that another solution has rated."""


def is_prm800k(row: Row) -> bool:
    """Whether a row is written as PRM800K's are."""
    return isinstance(row.columns.get("label"), dict) and isinstance(
        row.columns.get("question"), dict
    )


def read_prm800k(row: Row) -> list[Rated]:
    """The chosen solution with its ratings, then each rated alternative after what it followed.

    Every rated candidate is there once. A solution whose steps nobody rated is left out (people
    gave up on it). Raises DataError.
    """
    question = _object(row.columns.get("question"), f'{row.where}: "question"')
    text = question.get("problem")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{row.where}: question.problem is {json_type(text)}; it must be a text")
    problem = Problem(text, text, None)
    label = _object(row.columns.get("label"), f'{row.where}: "label"')
    steps = label.get("steps")
    if not isinstance(steps, list):
        raise DataError(f"{row.where}: label.steps is {json_type(steps)}; it must be a list")
    chosen: tuple[str, ...] = ()
    ratings: tuple[Rating | None, ...] = ()
    others: list[Rated] = []
    for place, step in enumerate(steps):
        where = f"{row.where}: label.steps[{place}]"
        candidates, index = _candidates(_object(step, where), where)
        for number, (candidate, rating) in enumerate(candidates):
            if number != index and rating is not None:
                others.append((problem, (*chosen, candidate), (*(None for _ in chosen), rating)))
        if index is None:
            break
        chosen = (*chosen, candidates[index][0])
        ratings = (*ratings, candidates[index][1])
    main = [(problem, chosen, ratings)] if any(r is not None for r in ratings) else []
    return [*main, *others]


def _candidates(
    step: dict[str, Json], where: str
) -> tuple[list[tuple[str, Rating | None]], int | None]:
    """Texts and ratings, the people's own last, and which one was gone on with, if any."""
    completions = step.get("completions")
    if not isinstance(completions, list):
        raise DataError(f"{where}.completions is {json_type(completions)}; it must be a list")
    found = [
        _candidate(_object(completion, f"{where}.completions[{i}]"), f"{where}.completions[{i}]")
        for i, completion in enumerate(completions)
    ]
    own = step.get("human_completion")
    if own is not None:
        own_text, rating = _candidate(_object(own, f"{where}.human_completion"), where)
        return [*found, (own_text, rating)], len(found)
    index = step.get("chosen_completion")
    if index is not None and (not isinstance(index, int) or not 0 <= index < len(found)):
        raise DataError(
            f"{where}.chosen_completion is {index!r:.40}; there are {len(found)} completions"
        )
    return found, index


def _candidate(completion: dict[str, Json], where: str) -> tuple[str, Rating | None]:
    text, rating = completion.get("text"), completion.get("rating")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: its text is blank or missing; a step is a text")
    if rating is not None and (isinstance(rating, bool) or rating not in (-1, 0, 1)):
        raise DataError(f"{where}: its rating is {rating!r:.40}; expected -1, 0, 1 or null")
    return text, cast("Rating | None", rating)


def _object(found: Json, where: str) -> dict[str, Json]:
    if not isinstance(found, dict):
        raise DataError(f"{where} is {json_type(found)}; it must be an object")
    return found
