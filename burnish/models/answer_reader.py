"""What a reward model reads of an answer.

Prompt, text, EOS (unless the answer was cut off), and one token more that nothing reads, so that
the state at EOS is computed where answers share their prompt.
"""

from __future__ import annotations

from burnish.data.rendering import Renderer
from burnish.errors import DataError
from burnish.models.reward_model import RewardModel
from burnish.types import Example, Problem, StopReason


class AnswerReader:
    """Turns answers into what a reward model reads."""

    def __init__(self, renderer: Renderer, model: RewardModel) -> None:
        """`renderer`: with the reward model's tokenizer."""
        self._renderer = renderer
        self._eos_id = model.eos_id
        self._max_context = model.max_context

    def __call__(
        self, problem: Problem, text: str, stop_reason: StopReason = StopReason.EOS
    ) -> Example:
        """One answer. Raises DataError where prompt and answer are longer than the model reads."""
        whole = self._renderer.imitation(problem, text)
        if stop_reason is StopReason.LENGTH:
            return whole  # its EOS is the token that nothing reads
        size = len(whole.token_ids)
        if self._max_context is not None and size > self._max_context:
            raise DataError(
                f"problem {problem.id!r:.80}: its prompt and an answer have {size} tokens, past the"
                f" reward model's context of {self._max_context}. Shorten or remove it."
            )
        token_ids, is_action = (*whole.token_ids, self._eos_id), (*whole.is_action, True)
        return Example(problem.id, token_ids, is_action)
