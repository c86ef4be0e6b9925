"""Natural-language rationales that end in the letter of an option. ReFT (arXiv:2401.08967).

    1 for the right letter, 0.1 for another option's letter, 0 for anything else

The released code counts any text, "none" too, as extracted and pays it 0.1; here only one of the
option letters is an answer. (The paper's text gives 0.1 to numeric answers only, its code to
letters too: set `partial_reward: 0` for the text's rule.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.errors import DataError
from burnish.graders.answer import TRIGGER, AnswerConfig, gold_of, score_of, text_after_trigger
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader
from burnish.types import Completion, GraderFailure, Problem, Score

_LETTER_FIRST = re.compile(
    r"[\s(\[{\"'*$<]*(?:\\(?:boxed|text)\{)*([a-z])(?!['-]?\w)(.*)", re.IGNORECASE | re.DOTALL
)
_ALONE = re.compile(r"[)\]}\s\"'*$>.,;!]*")
_WITH_TEXT = re.compile(r"[\"'*]*\s*[)\]}.:][\"'*]*\s*(.*)", re.DOTALL)


class MultipleChoiceConfig(AnswerConfig):
    """Grade the option letter after the trigger."""

    type: Literal["multiple_choice"] = "multiple_choice"
    """the grader"""
    trigger: str = Field(default=TRIGGER, min_length=1)
    """the text after whose last occurrence the answer stands"""
    options: str = Field(default="abcde", pattern="^[a-z]{2,26}$")
    """the letters that are options"""

    def build(self) -> Grader:
        """The grader, which never raises."""
        return Guarded(MultipleChoiceGrader(self))


class MultipleChoiceGrader:
    """Scores the letter in the first line after the last trigger."""

    def __init__(self, config: MultipleChoiceConfig) -> None:
        """Everything it needs is in `config`."""
        self._config = config

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """Raises DataError where a gold answer is missing or no option."""
        return [self._score(problem, completion) for problem, completion in pairs]

    def _score(self, problem: Problem, completion: Completion) -> Score:
        gold = gold_letter(problem, self._config.options)
        letter = self._extract(completion)
        return score_of(letter, is_correct=letter == gold, config=self._config)

    def _extract(self, completion: Completion) -> str | None:
        if self._config.require_finished and completion.is_truncated:
            return None
        answer = text_after_trigger(completion, self._config.trigger)
        return None if answer is None else option_in(answer, self._config.options)


def option_in(text: str, options: str) -> str | None:
    """The one option that a text names, in lower case: "c", "(C)", "C.", "C ) 30", "c: thirty".

    None where it names no option or several ("a or b", "a ) 3 , b ) 4"), or where the letter is a
    word of a sentence ("a dog").
    """
    found = _LETTER_FIRST.fullmatch(text)
    if not found or found[1].lower() not in options:
        return None
    letter, rest = found[1].lower(), found[2]
    if _ALONE.fullmatch(rest):
        return letter
    described = _WITH_TEXT.fullmatch(rest)
    return letter if described and not _names_an_option(described[1], options) else None


def gold_letter(problem: Problem, options: str) -> str:
    """The gold answer as a lower-case letter. Raises DataError."""
    gold = gold_of(problem)
    letter = option_in(gold, options)
    if letter is None:
        raise DataError(
            f"problem {problem.id!r}: the gold answer {gold!r} is none of the options"
            f" {', '.join(options)}; set `options` of the grader if the letters are others"
        )
    return letter


def _names_an_option(text: str, options: str) -> bool:
    marked = rf"(?<![\w'])[{options}](?:\s*[):.,/\]]|\s*$)"
    joined = rf"(?:\b(?:or|and)\b|[,/])\s*\(?[{options}](?![\w'-])"
    return re.search(f"{marked}|{joined}", text, re.IGNORECASE) is not None
