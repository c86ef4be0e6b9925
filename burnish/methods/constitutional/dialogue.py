"""What a model is asked when it criticises and revises an answer, as text or as a conversation.

    answer -> critique request -> critique -> revision request -> revision

(Bai et al. 2022, Constitutional AI, arXiv:2212.08073, section 3.1.) Exemplars stand before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator
from transformers import PreTrainedTokenizerBase

from burnish.config import Config
from burnish.data.rendering import conversation_text
from burnish.methods.constitutional.constitution import Principle
from burnish.methods.constitutional.exemplars import Exemplar, load_exemplars
from burnish.training.judging.prompts import filled, joined
from burnish.types import Message, Problem


class DialogueConfig(Config):
    """How a model is asked to criticise and revise."""

    form: Literal["plain", "chat"] = "plain"
    """plain: text that a base model goes on with; chat: turns, by the tokenizer's chat template"""
    exemplars: str | None = "builtin:general"
    """Dialogues that stand before (few-shot): a YAML file, builtin:general, or null for none, which
    is for models that were taught to criticise and revise."""
    shown: str = "Question: {question}\nReply: {answer}"
    """The answer in plain text; {question} and {answer} are filled in."""
    critique: str = "\n\nCritique request: {request}\nCritique:"
    """What follows it; {request} is the principle's."""
    revision: str = "\n\nRevision request: {request}\nRevision:"
    """What follows the critique; {request} is the principle's."""
    stop: tuple[str, ...] = ("\n\n",)
    """What ends a critique or revision in plain text; an end of text always does."""

    @model_validator(mode="after")
    def _has_its_places(self) -> Self:
        wanted = {
            "shown": ("question", "answer"),
            "critique": ("request",),
            "revision": ("request",),
        }
        texts = {"shown": self.shown, "critique": self.critique, "revision": self.revision}
        for name, places in wanted.items():
            for place in places:
                if f"{{{place}}}" not in texts[name]:
                    raise ValueError(f"{name}: has no {{{place}}}, which is to be filled in")
        return self

    def exemplar_file(self) -> list[Exemplar]:
        """What stands before. Raises ConfigError that names the file and the place in it."""
        return load_exemplars(self.exemplars)

    def build(self, tokenizer: PreTrainedTokenizerBase) -> Dialogue:
        """Raises ConfigError for bad exemplars."""
        return Dialogue(self, self.exemplar_file(), tokenizer)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Prompts in the tokens of one model."""

    config: DialogueConfig
    exemplars: Sequence[Exemplar]
    tokenizer: PreTrainedTokenizerBase

    @property
    def stop(self) -> tuple[str, ...]:
        """What ends a text besides an end of text."""
        return self.config.stop if self.config.form == "plain" else ()

    def critique_ids(self, problem: Problem, answer: str, principle: Principle) -> tuple[int, ...]:
        """Up to where the critique begins. Raises DataError where there is no chat template."""
        if self.config.form == "plain":
            return self._encoded(
                joined("", [*self._finished(), self._asked(problem, answer, principle)])
            )
        return self._conversation(problem, self._turns(problem, answer, principle))

    def revision_ids(
        self, problem: Problem, answer: str, principle: Principle, critique: str
    ) -> tuple[int, ...]:
        """The same with the critique, up to where the revision begins."""
        request = principle.revision_request
        if self.config.form == "plain":
            text = f"{self._asked(problem, answer, principle)} {critique}"
            asked = text + filled(self.config.revision, {"request": request})
            return self._encoded(joined("", [*self._finished(), asked]))
        turns = self._turns(problem, answer, principle)
        return self._conversation(
            problem, [*turns, Message("assistant", critique), Message("user", request)]
        )

    def _finished(self) -> list[str]:
        """The exemplars as text."""
        return [
            filled(self.config.shown, {"question": e.question, "answer": e.answer})
            + filled(self.config.critique, {"request": e.critique_request})
            + f" {e.critique}"
            + filled(self.config.revision, {"request": e.revision_request})
            + f" {e.revision}"
            for e in self.exemplars
        ]

    def _asked(self, problem: Problem, answer: str, principle: Principle) -> str:
        shown = {"question": problem.question.strip(), "answer": answer.strip()}
        request = filled(self.config.critique, {"request": principle.critique_request})
        return filled(self.config.shown, shown) + request

    def _turns(self, problem: Problem, answer: str, principle: Principle) -> list[Message]:
        turns: list[Message] = []
        for e in self.exemplars:
            said = (
                e.question,
                e.answer,
                e.critique_request,
                e.critique,
                e.revision_request,
                e.revision,
            )
            roles = ("user", "assistant") * 3
            turns += [Message(role, text) for role, text in zip(roles, said, strict=True)]
        asked = problem.messages or (Message("user", problem.question),)
        system = [turn for turn in asked if turn.role == "system"]
        others = [turn for turn in asked if turn.role != "system"]
        request = Message("user", principle.critique_request)
        return [*system, *turns, *others, Message("assistant", answer), request]

    def _encoded(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text))

    def _conversation(self, problem: Problem, turns: Sequence[Message]) -> tuple[int, ...]:
        text = conversation_text(self.tokenizer, turns, problem.id)
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))
