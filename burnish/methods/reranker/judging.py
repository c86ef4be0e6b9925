"""From a completion to the probability that it is right.

The verifier reads texts: prompt and completion are tokenised by its own tokenizer, the same way in
training and in use, so it can judge the samples of any policy. EOS stands at the end unless the
token limit cut the completion, so the verifier sees whether it was finished.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from burnish.core.reward_losses import correct_probability
from burnish.data.rendering import Renderer
from burnish.models.batching import micro_batches
from burnish.models.outcome_verifier import OutcomeVerifier
from burnish.models.token_batch import TokenBatch
from burnish.types import Completion, Example, Problem, StopReason


class CompletionVerifier:
    """What `burnish.evaluation.reranking` calls a Verifier: P(correct) of each completion."""

    def __init__(self, verifier: OutcomeVerifier, renderer: Renderer, *, max_tokens: int) -> None:
        """`renderer`: with the verifier's tokenizer. `max_tokens`: size of a micro-batch."""
        self._verifier = verifier
        self._renderer = renderer
        self._max_tokens = max_tokens

    def __call__(self, problem: Problem, completions: Sequence[Completion]) -> list[float]:
        """One value from 0 to 1 per completion, in order."""
        examples = [
            judged_example(self._renderer, problem, c.text, c.stop_reason) for c in completions
        ]
        return correct_probabilities(self._verifier, examples, max_tokens=self._max_tokens)


def judged_example(
    renderer: Renderer, problem: Problem, text: str, stop_reason: StopReason
) -> Example:
    """Prompt, completion and, where it was finished, EOS. Every token is marked: all are read."""
    token_ids = renderer.imitation(problem, text).token_ids
    if stop_reason is StopReason.LENGTH:
        token_ids = token_ids[:-1]
    return Example(problem.id, token_ids, (True,) * len(token_ids))


@torch.no_grad()
def correct_probabilities(
    verifier: OutcomeVerifier, examples: Sequence[Example], *, max_tokens: int
) -> list[float]:
    """P(correct) of each example, in order; equal ones are judged once."""
    value_of: dict[Example, float] = {}
    for rows in micro_batches(list(dict.fromkeys(examples)), max_tokens=max_tokens):
        logits = verifier.logits(TokenBatch.collate(rows).to(verifier.device))
        value_of.update(zip(rows, correct_probability(logits).tolist(), strict=True))
    return [value_of[example] for example in examples]
