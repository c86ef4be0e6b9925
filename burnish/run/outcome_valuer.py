"""An outcome verifier as a search sees it: how likely a whole solution is right.

It reads what a reranker reads, the texts of question and solution in its own tokens. Charged are
those of the solution, at each reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from burnish.data.rendering import Renderer
from burnish.methods.reranker.judging import correct_probabilities, judged_example
from burnish.models.outcome_verifier import OutcomeVerifier
from burnish.search.asks import End, Prefix, Valuation
from burnish.training.tree_questions import Questions
from burnish.types import Example, StopReason


class OutcomeValuer:
    """P(correct) of solutions, for searches that value nothing but their ends.

    Args:
        verifier: judges.
        renderer: with the verifier's tokenizer.
        questions: of the trees.
        max_tokens: size of a micro-batch; changes nothing but memory and speed.
    """

    def __init__(
        self,
        verifier: OutcomeVerifier,
        renderer: Renderer,
        questions: Questions,
        *,
        max_tokens: int,
    ) -> None:
        self._verifier = verifier
        self._renderer = renderer
        self._questions = questions
        self._max_tokens = max_tokens

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """The probability of each, in order; EOS is read behind a finished one."""
        examples = [self._example(prefix) for prefix in prefixes]
        values = correct_probabilities(self._verifier, examples, max_tokens=self._max_tokens)
        return [
            Valuation(value, len(example.token_ids) - self._num_asked(prefix))
            for value, example, prefix in zip(values, examples, prefixes, strict=True)
        ]

    def _example(self, prefix: Prefix) -> Example:
        is_final = prefix.steps[-1].end == End.FINAL
        reason = StopReason.EOS if is_final else StopReason.LENGTH
        problem = self._questions.problems[prefix.tree_id]
        return judged_example(self._renderer, problem, prefix.text, reason)

    def _num_asked(self, prefix: Prefix) -> int:
        """Tokens of the question, which nobody is charged for."""
        return len(self._renderer.prompt_ids(self._questions.problems[prefix.tree_id]))
