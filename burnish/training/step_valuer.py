"""The value model as a tree search sees it.

Charged are the tokens of the steps that are read, at each reading: not those of the question, as
the policy is not charged for its prompt either, and without regard to what a batch shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from burnish.models.process_reward_model import ProcessRewardModel
from burnish.rollout.step_proposer import prompt_of
from burnish.search.asks import Prefix, Valuation
from burnish.training.path_values import judge_of_paths
from burnish.types import SteppedTokens


class StepValuer:
    """A process reward model that values the nodes of trees.

    Args:
        model: the value model, as it is now: it is not trained while it is asked.
        tokenizer: of the policy whose steps are valued.
        max_tokens: size of a micro-batch; changes nothing but memory and speed.
        prompts: prompt tokens by the id of the tree, as the proposer's.
        prefix_bytes: memory for what was read of the trees' paths.

    Raises ModelError where the policy's tokens mean something else to the value model.
    """

    def __init__(
        self,
        model: ProcessRewardModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_tokens: int,
        prompts: Mapping[str, tuple[int, ...]],
        prefix_bytes: int = 0,
    ) -> None:
        model.require_tokenizer(tokenizer, owner="the policy that proposes the steps")
        self._judge = judge_of_paths(model, max_tokens=max_tokens, prefix_bytes=prefix_bytes)
        self._prompts = prompts

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """V of each prefix, in order, with the tokens of its steps as what it costs."""
        values = self._judge.prefix_values([self._tokens(prefix) for prefix in prefixes])
        return [
            Valuation(value, len(prefix.token_ids))
            for value, prefix in zip(values, prefixes, strict=True)
        ]

    def _tokens(self, prefix: Prefix) -> SteppedTokens:
        steps = tuple(step.token_ids for step in prefix.steps if step.token_ids)
        return SteppedTokens(prefix.tree_id, prompt_of(prefix, self._prompts), steps)
