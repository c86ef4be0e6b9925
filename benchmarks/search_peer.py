"""A search as published code runs it: one tree, one proposal and one value after the other.

Proposals are `generate` calls of `transformers`, one a continuation, with its growing cache and the
stop of the step; a value is one plain forward pass over question and steps. Everything above the
models (MCTS*, seeds, limits, what a step is) is ours, and so is the draw of a token from the
logits: sampling is a function of seed and place, so both sides grow the same trees, up to rounding.
The draw takes less time than `generate`'s own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from rollout_engines import copy_in
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteria,
    StoppingCriteriaList,
)

from burnish.models.process_reward_model import ProcessRewardModel
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.sampling import draw
from burnish.rollout.step_proposer import prompt_of
from burnish.rollout.stopping import StopStrings, decode_after
from burnish.rollout.uniforms import seed_keys, uniforms
from burnish.search.asks import Prefix, Valuation
from burnish.types import Completion, StopReason

_MASK = 2**64 - 1


class GenerateEngine:
    """Samples by `generate`, one completion a call.

    Args:
        network: in the dtype that both sides compute in.
        tokenizer: of the network.

    Attributes:
        sampled_tokens: drawn so far.
        read_tokens: of prompts, one after the other.
    """

    def __init__(self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self.sampled_tokens = 0
        self.read_tokens = 0

    def sample(self, requests: Sequence[Request], params: SamplingParams) -> list[list[Completion]]:
        """Completions per request, in the order of `requests` and of their seeds."""
        return [[self._completion(r, seed, params) for seed in r.seeds] for r in requests]

    def sync(self, weights: Mapping[str, Tensor]) -> None:
        """The network is not trained here."""
        raise NotImplementedError

    @torch.inference_mode()
    def _completion(self, request: Request, seed: int, params: SamplingParams) -> Completion:
        prompt = torch.tensor([request.prompt_ids], device=self._network.device)
        stop = StopStrings(self._tokenizer, params.stop)
        generate: Any = self._network.generate
        sequences = generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=False,  # the processor leaves the drawn token alone
            max_new_tokens=params.max_tokens,
            logits_processor=LogitsProcessorList([_SeededDraw(seed, params)]),
            stopping_criteria=StoppingCriteriaList([_StopsAt(stop, prompt.shape[1])]),
        )
        token_ids = tuple(sequences[0, prompt.shape[1] :].tolist())
        self.read_tokens += prompt.shape[1]
        self.sampled_tokens += len(token_ids)
        text = decode_after(self._tokenizer, request.prompt_ids, token_ids)
        zeros = (0.0,) * len(token_ids)
        reason = self._reason(token_ids, stop)
        if reason is StopReason.STOP_STRING:
            text = stop.cut(text)
        return Completion(request.prompt_ids, token_ids, zeros, zeros, text, reason)

    def _reason(self, token_ids: Sequence[int], stop: StopStrings) -> StopReason:
        if token_ids[-1] == self._tokenizer.eos_token_id:
            return StopReason.EOS
        return StopReason.STOP_STRING if stop.complete(token_ids) else StopReason.LENGTH


class OneByOneValuer:
    """A value model that reads one prefix at a time, from its first token to its last.

    Args:
        model: its weights are copied.
        backbone: a network as `transformers` made it, of the same shape.
        dtype: that both sides compute in.
        prompts: prompt tokens by the id of the tree.
    """

    def __init__(
        self,
        model: ProcessRewardModel,
        backbone: PreTrainedModel,
        *,
        dtype: torch.dtype,
        prompts: Mapping[str, tuple[int, ...]],
    ) -> None:
        self._trunk: Any = copy_in(backbone, dtype).base_model
        self._head = model.network.get_submodule("value_head")
        self._eos_id = model.eos_id
        self._prompts = prompts

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """V of each prefix, with the tokens of its steps as what it costs."""
        return [Valuation(self._value(prefix), len(prefix.token_ids)) for prefix in prefixes]

    @torch.inference_mode()
    def _value(self, prefix: Prefix) -> float:
        token_ids = prompt_of(prefix, self._prompts) + prefix.token_ids
        if token_ids[-1] == self._eos_id:
            token_ids = token_ids[:-1]
        tokens = torch.tensor([token_ids], device=self._trunk.device)
        state = self._trunk(input_ids=tokens, use_cache=False).last_hidden_state[0, -1]
        return float(self._head(state.float()).sigmoid())


class _SeededDraw(LogitsProcessor):
    """Leaves only the token that our engine would draw from these logits."""

    def __init__(self, seed: int, params: SamplingParams) -> None:
        self._key = seed_keys(np.array([seed & _MASK], dtype=np.uint64))
        self._params = params
        self._num_sampled = np.zeros(1, dtype=np.uint64)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """`[1, V]` scores: infinity at the drawn token."""
        numbers = torch.from_numpy(uniforms(self._key, self._num_sampled)).to(scores.device)
        self._num_sampled += np.uint64(1)
        token_ids = draw(scores, numbers, self._params).token_ids
        return scores.scatter(1, token_ids[:, None], torch.inf)


class _StopsAt(StoppingCriteria):
    """Ends a completion at a stop string; text is decoded only where one may have ended."""

    def __init__(self, stop: StopStrings, num_prompt: int) -> None:
        self._stop = stop
        self._num_prompt = num_prompt

    def __call__(
        self, input_ids: Tensor, scores: tuple[Tensor] | None, **kwargs: object
    ) -> torch.BoolTensor:
        """Whether the one row is done."""
        is_done = self._stop.complete(input_ids[0, self._num_prompt :].tolist())
        return cast("torch.BoolTensor", torch.tensor([is_done], device=input_ids.device))
