"""From one attempt to the next: a fixed instruction, as the tokens that follow the attempt's own.

What was sampled stays as it is: the next prompt is the earlier prompt, the sampled tokens, and the
tokens made here. In a conversation these are whatever the chat template puts between a reply and
the next one; the template is asked with a reply of our own in place of the sampled one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.rendering import conversation_text
from burnish.data.tasks.correction import default_instruction
from burnish.data.tasks.task import Task
from burnish.errors import ConfigError, DataError
from burnish.types import Completion, Message, Problem, StopReason

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PLACE = re.compile(r"\{(question|prompt|opening)\}")
_GIVES_AWAY = re.compile(r"\{(answer|rationale|gold)\}")
_WORD = re.compile(r"\w+(?:\.\w+)*")
_LETTER = re.compile(
    r"\b([A-Za-z])\)"  # (b) or b)
    r"|\b([B-HJ-Z])\b"  # a capital that is no word
    r"|(?i:\b(?:option|choice|answer|letter)(?: is)?:?) ([A-Z])\b"
)
_REASONING = "<think>\nFirst I add the two.\n</think>"
_REPLY = "The sum is 12."
_PROBE = f"{_REASONING}\n\n{_REPLY}"


class CorrectionConfig(Config):
    """How a problem is asked again."""

    turns: int = Field(default=2, ge=2)
    """Attempts at each problem; the paper: 2."""
    instruction: str | None = Field(default=None, min_length=1)
    """p1: what follows an attempt, the same whether it was right or wrong. {question} stands for
    the problem's question, {prompt} for the task's whole prompt and {opening} for what of it begins
    an answer (not in conversations). In plain text it is put on lines of its own. Default: the one
    for the task's kind of answer."""

    @model_validator(mode="after")
    def _reveals_nothing(self) -> Self:
        found = _GIVES_AWAY.search(self.instruction or "")
        if found:
            raise ValueError(
                f"instruction: {found[0]} would tell the model the answer, and it would learn to "
                "copy it; the instruction may name {question}, {prompt} and {opening} only"
            )
        return self

    def instruction_for(self, task: Task) -> str:
        """The instruction as it is used with a task."""
        return self.instruction or default_instruction(task.answer_kind)

    def check(self, problems: Iterable[Problem]) -> None:
        """Raise ConfigError where the instruction itself holds an answer.

        An answer of one letter is held where the instruction names that choice, such as "(B)", and
        no other: "a" is also a word, and a list of all choices says nothing. The default has none.
        """
        if self.instruction is None:
            return
        text = _PLACE.sub(" ", self.instruction)
        words = {word for word in _WORD.findall(text.lower()) if not _is_letter(word)}
        words |= _only_choice(text)
        for problem in problems:
            answer = (problem.answer or "").strip().lower()
            plain = answer.removesuffix(".0")
            if {answer, plain} & words:
                raise ConfigError(
                    f"method.correction.instruction contains {plain!r}, which is the answer of "
                    f"problem {problem.id!r}: second attempts could copy it. Word it without."
                )


class FollowUp:
    """Tokens that come after an attempt, for one task, tokenizer and instruction."""

    def __init__(
        self, task: Task, tokenizer: PreTrainedTokenizerBase, instruction: str | None
    ) -> None:
        """`instruction`: as in CorrectionConfig; None for the one that fits the task."""
        self._task = task
        self._tokenizer = tokenizer
        self._instruction = instruction or default_instruction(task.answer_kind)
        self._known: dict[str, tuple[int, ...]] = {}

    def ids(self, problem: Problem) -> tuple[int, ...]:
        """What follows an attempt that was cut off: the end of its turn, where turns have one,
        the instruction, and the beginning of the next attempt.

        Raises DataError where the chat template does not hand on the first attempt as it is.
        """
        if problem.id not in self._known:
            text = self._between_replies(problem) if problem.messages else self._plain(problem)
            found = self._tokenizer.encode(text, add_special_tokens=False)
            self._known[problem.id] = tuple(found)
        return self._known[problem.id]

    def after(self, problem: Problem, attempt: Completion) -> tuple[int, ...]:
        """The same for this attempt: an end of turn that it has sampled is not repeated."""
        return self.after_tokens(problem, attempt.token_ids, attempt.stop_reason)

    def after_tokens(
        self, problem: Problem, token_ids: tuple[int, ...], stop_reason: StopReason
    ) -> tuple[int, ...]:
        """The same for an attempt that is told by its tokens and why it ended."""
        ids = self.ids(problem)
        has_ended = stop_reason is StopReason.EOS and bool(problem.messages)
        return ids[1:] if has_ended and ids[:1] == token_ids[-1:] else ids

    def _plain(self, problem: Problem) -> str:
        prompt, opening = self._task.prompt(problem), self._task.opening(problem)
        text = _filled(self._instruction, problem.question, prompt, opening)
        return f"\n{text}" if text.endswith("\n") else f"\n{text}\n"

    def _between_replies(self, problem: Problem) -> str:
        question = problem.question
        instruction = _filled(self._instruction, question, question, opening="").rstrip()
        messages = (*problem.messages, Message("assistant", _PROBE), Message("user", instruction))
        opening = conversation_text(self._tokenizer, problem.messages, problem.id)
        whole = conversation_text(self._tokenizer, messages, problem.id)
        before, found, between = whole.partition(_PROBE)
        if not found:
            lost = "reasoning (<think>...</think>) of the" if _REPLY in whole else "whole"
            raise DataError(
                f"problem {problem.id!r}: the chat template drops the {lost} first attempt once "
                "another message follows it, so a second attempt could not see what it corrects. "
                "Set `model.chat_template` to one that keeps earlier replies as they are."
            )
        if not (before + _PROBE).startswith(opening):
            raise DataError(
                f"problem {problem.id!r}: the chat template writes the beginning of a conversation "
                "differently once a second message follows, so what was sampled would not be what "
                "is continued. Set `model.chat_template` to one that only ever appends."
            )
        return between


def _filled(template: str, question: str, prompt: str, opening: str) -> str:
    texts = {"question": question, "prompt": prompt, "opening": opening}
    return _PLACE.sub(lambda place: texts[place[1]], template)


def _only_choice(text: str) -> set[str]:
    """The letter of the one choice that a text names; nothing where it names several, or none."""
    found = {next(filter(None, match.groups())).lower() for match in _LETTER.finditer(text)}
    return found if len(found) == 1 else set()


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()
