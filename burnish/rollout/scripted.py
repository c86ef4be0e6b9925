"""An engine for tests that says what it is told to: no network, no chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from burnish.errors import EngineError
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.stopping import StopStrings, decode
from burnish.types import Completion, StopReason

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


class ScriptedEngine:
    """Answers each prompt's text with the script's text, tokenised and ended by EOS.

    Args:
        tokenizer: turns prompts into text and answers into tokens.
        script: answers by prompt text, or a function of prompt text and seed.

    Attributes:
        num_syncs: how often weights were handed over.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        script: Mapping[str, str] | Callable[[str, int], str],
    ) -> None:
        self._tokenizer = tokenizer
        self._script = script
        eos_id = tokenizer.eos_token_id
        assert isinstance(eos_id, int), "the tokenizer needs an EOS token"
        self._eos_id = eos_id
        self.num_syncs = 0

    def sample(self, requests: Sequence[Request], params: SamplingParams) -> list[list[Completion]]:
        """The scripted completions, cut at `params`' tokens and strings; log-probabilities are 0.

        Raises EngineError for an empty prompt and for one the script does not know.
        """
        stop = StopStrings(self._tokenizer, params.stop)
        return [[self._completion(r, seed, params, stop) for seed in r.seeds] for r in requests]

    def sync(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Count the call; there is nothing to update."""
        self.num_syncs += 1

    def _completion(
        self, request: Request, seed: int, params: SamplingParams, stop: StopStrings
    ) -> Completion:
        if not request.prompt_ids:
            raise EngineError("a request has an empty prompt; give at least one token.")
        text = self._answer(decode(self._tokenizer, request.prompt_ids), seed)
        token_ids = self._tokenizer.encode(text, add_special_tokens=False)
        token_ids.append(self._eos_id)
        token_ids, reason = _ended(token_ids, request.limit(params), stop)
        text = decode(self._tokenizer, token_ids)
        zeros = (0.0,) * len(token_ids)
        return Completion(
            prompt_ids=request.prompt_ids,
            token_ids=tuple(token_ids),
            logp=zeros,
            sampler_logp=zeros,
            text=stop.cut(text) if reason is StopReason.STOP_STRING else text,
            stop_reason=reason,
        )

    def _answer(self, prompt: str, seed: int) -> str:
        if callable(self._script):
            return self._script(prompt, seed)
        if prompt not in self._script:
            raise EngineError(f"the script has no answer to {prompt!r:.200}; add one.")
        return self._script[prompt]


def _ended(
    token_ids: list[int], max_tokens: int, stop: StopStrings
) -> tuple[list[int], StopReason]:
    """The tokens up to where an engine would have stopped, and why there."""
    for size in range(1, min(len(token_ids), max_tokens + 1)):
        if stop.complete(token_ids[:size]):
            return token_ids[:size], StopReason.STOP_STRING
    if len(token_ids) > max_tokens:
        return token_ids[:max_tokens], StopReason.LENGTH
    return token_ids, StopReason.EOS
