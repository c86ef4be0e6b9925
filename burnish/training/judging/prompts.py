"""What a judge is asked, in parts that are all settings.

    preamble, examples, the question and what is judged, (reasons,) the ending   -> an option

The order of Lee et al. 2023, RLAIF (arXiv:2309.00267), section 3.1; the words are our own, and
short, so that a small model can be taught them. An option is tokenised apart from the prompt, as
answers are, so what a judge was taught and what it is asked are the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config

_PLACE = re.compile(r"\{(\w+)\}")


class PairExample(Config):
    """A pair that stands judged before the one in question."""

    question: str
    """What was asked."""
    first: str
    """The reply that is shown first."""
    second: str
    """The other one."""
    better: Literal[1, 2]
    """Which of them is better."""
    reasons: str = ""
    """Why; shown where the judge is to give its reasons."""


class PairPromptConfig(Config):
    """Two replies are shown, and the judge goes on with the number of one of them."""

    preamble: str = "{principle}"
    """What stands first; {principle} is filled in."""
    principles: list[str] = Field(default=["Which reply is better?"], min_length=1)
    """What replies are compared by: each is asked on its own, and the labels are averaged."""
    examples: tuple[PairExample, ...] = ()
    """Judged pairs to begin with (few-shot)."""
    shown: str = "Question: {question}\nReply 1: {first}\nReply 2: {second}"
    """The pair; {question}, {first} and {second} are filled in."""
    reasons: str = "\nReasons:"
    """What follows where the judge gives its reasons first."""
    ending: str = "\nBetter reply:"
    """What stands before the option."""
    options: tuple[str, str] = (" 1", " 2")
    """What the judge says for the first and for the second reply; without the space at the front
    where the prompt is a message to a chat model."""

    @model_validator(mode="after")
    def _shows_both(self) -> Self:
        _require_places("shown", self.shown, ("question", "first", "second"))
        if len(self.principles) > 1:
            _require_places("preamble", self.preamble, ("principle",))
        return self

    def text(self, question: str, replies: tuple[str, str], principle: str) -> str:
        """The prompt up to the pair, and the pair."""
        preamble = filled(self.preamble, {"principle": principle})
        examples = [
            self._pair(example.question, (example.first, example.second))
            + (self.with_reasons("", example.reasons) if example.reasons else "")
            + self.ending
            + self.options[example.better - 1]
            for example in self.examples
        ]
        shown = self._pair(question, replies)
        return joined(preamble, [*examples, shown])

    def with_reasons(self, text: str, reasons: str) -> str:
        """The prompt with the reasons that were given for it."""
        return f"{text}{self.reasons} {reasons.strip()}"

    def _pair(self, question: str, replies: tuple[str, str]) -> str:
        first, second = replies
        places = {"question": question.strip(), "first": first.strip(), "second": second.strip()}
        return filled(self.shown, places)


class ScoreExample(Config):
    """A reply that stands scored before the one in question."""

    question: str
    """What was asked."""
    reply: str
    """What was answered."""
    score: int = Field(ge=1)
    """What it got."""


class ScorePromptConfig(Config):
    """One reply is shown, and the judge goes on with a number from 1 up."""

    preamble: str = "How good is the reply, from 1 to {highest}?"
    """What stands first; {highest} is filled in."""
    examples: tuple[ScoreExample, ...] = ()
    """Scored replies to begin with (few-shot)."""
    shown: str = "Question: {question}\nReply: {reply}"
    """What is scored; {question} and {reply} are filled in."""
    ending: str = "\nScore:"
    """What stands before the number."""
    highest: int = Field(default=10, ge=2, le=100)
    """The best score; the paper: 10."""

    @model_validator(mode="after")
    def _shows_the_reply(self) -> Self:
        _require_places("shown", self.shown, ("question", "reply"))
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """The scores as they are written."""
        return tuple(f" {score}" for score in range(1, self.highest + 1))

    def text(self, question: str, reply: str) -> str:
        """The prompt up to the reply, and the reply."""
        examples = [
            f"{self._reply(example.question, example.reply)}{self.ending} {example.score}"
            for example in self.examples
        ]
        preamble = filled(self.preamble, {"highest": str(self.highest)})
        return joined(preamble, [*examples, self._reply(question, reply)])

    def _reply(self, question: str, reply: str) -> str:
        return filled(self.shown, {"question": question.strip(), "reply": reply.strip()})


def filled(template: str, places: Mapping[str, str]) -> str:
    """The template with its places filled in once: braces in what is filled in stay as they are."""
    return _PLACE.sub(lambda found: places.get(found[1], found[0]), template)


def joined(preamble: str, shown: Sequence[str]) -> str:
    """The preamble on lines of its own, and an empty line between what is shown."""
    return "\n".join(part for part in (preamble, "\n\n".join(shown)) if part)


def _require_places(name: str, template: str, places: Sequence[str]) -> None:
    for place in places:
        if f"{{{place}}}" not in template:
            raise ValueError(f"{name}: has no {{{place}}}, without which there is nothing to judge")
