"""From problems to tokens: the one path that training, sampling and evaluation share.

Prompt and target are tokenised apart and joined, in training as in sampling, so the boundary
between them is the same everywhere and sampled tokens are never encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from burnish.data.tasks.task import Task
from burnish.errors import DataError
from burnish.types import Example, Message, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_RUNTIME_ERRORS = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
)
"""What a template's expressions raise beside the errors of Jinja itself."""


class Renderer:
    """Turns the problems of one task into tokens of one tokenizer."""

    def __init__(
        self, task: Task, tokenizer: PreTrainedTokenizerBase, *, max_prompt_tokens: int
    ) -> None:
        """`max_prompt_tokens`: a longer prompt is an error, never cut."""
        self._task = task
        self._tokenizer = tokenizer
        self._max_prompt_tokens = max_prompt_tokens
        self._prefix = self._beginning()

    def prompt_ids(self, problem: Problem) -> tuple[int, ...]:
        """Tokens of the prompt, with BOS where the tokenizer puts one. Raises DataError."""
        if problem.messages:
            ids = self._conversation(problem)
        else:
            ids = (*self._prefix, *self._encode(self._task.prompt(problem)))
        if len(ids) > self._max_prompt_tokens:
            raise DataError(
                f"problem {problem.id!r}: its prompt has {len(ids)} tokens, more than the limit "
                f"of {self._max_prompt_tokens}. Raise `max_prompt_tokens`, or remove the row."
            )
        return ids

    def example(self, problem: Problem) -> Example:
        """Prompt, annotated target and EOS; the target and EOS are to be learnt."""
        return self.imitation(problem, self._task.target(problem))

    def imitation(self, problem: Problem, target: str) -> Example:
        """The same with a target of one's own."""
        prompt = self.prompt_ids(problem)
        eos = self._tokenizer.eos_token_id
        assert isinstance(eos, int)
        response = (*self._encode(target), eos)
        return Example(
            problem_id=problem.id,
            token_ids=prompt + response,
            is_action=(False,) * len(prompt) + (True,) * len(response),
        )

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))

    def _beginning(self) -> tuple[int, ...]:
        """What the tokenizer puts before every text: BOS or nothing."""
        bos = self._tokenizer.bos_token_id
        empty = self._tokenizer.encode("", add_special_tokens=True)
        return (bos,) if isinstance(bos, int) and empty[:1] == [bos] else ()

    def _conversation(self, problem: Problem) -> tuple[int, ...]:
        return self._encode(conversation_text(self._tokenizer, problem.messages, problem.id))


def conversation_text(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], problem_id: str
) -> str:
    """A conversation by the tokenizer's chat template, up to where the reply begins.

    Raises DataError where there is no template, or it refuses the messages.
    """
    if tokenizer.chat_template is None:
        raise DataError(
            f"problem {problem_id!r} is a conversation, but the tokenizer has no chat template."
            " Use a chat model, set `model.chat_template`, or give rows with a plain prompt."
        )
    turns = [{"role": m.role, "content": m.content} for m in messages]
    try:
        text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    except (TemplateError, *_RUNTIME_ERRORS) as error:
        raise DataError(
            f"problem {problem_id!r}: the tokenizer's chat template refuses its messages "
            f"({type(error).__name__}: {' '.join(str(error).split())[:400]}). Mend the"
            " row, or set `model.chat_template`."
        ) from error
    return str(text)
