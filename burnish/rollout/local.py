"""The engine in this process: our own sampling loop over unmodified `transformers` model classes.

`generate` concatenates its cache at every step, keeps finished rows in the batch, prefills a prompt
once per sample and draws with `multinomial` over the whole vocabulary; this engine does not, and it
returns log-probabilities at no extra cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from burnish.errors import EngineError
from burnish.rollout.cache import Layout, SlotCache
from burnish.rollout.decoder import Decoder, FusedDecoder, ModuleDecoder, decoder_for
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.prefixes import PrefixStore
from burnish.rollout.prompts import ModulePrompts, PackedPrompts, PromptReader
from burnish.rollout.replica import copy_in, load_weights, shared_view
from burnish.rollout.scheduler import Models, Row, SamplingLoop
from burnish.rollout.stats import EngineStats
from burnish.rollout.stopping import StopStrings, decode_after
from burnish.types import Completion, StopReason


class LocalEngine:
    """Samples from a network in this process.

    Args:
        network: a causal language model of `transformers`. It is not changed.
        tokenizer: for EOS, stop strings and the completions' text.
        max_concurrent: rows decoded at once.
        dtype: a copy of the weights is made in it, laid out for the fused decoder (bfloat16 is
            several times faster than float32 on CPUs that have it). None shares the network's
            weights, so that `sync` has nothing to copy, and decodes through its modules.
        max_context: most tokens of prompt and completion together; None asks the model's config.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_concurrent: int = 64,
        dtype: torch.dtype | None = None,
        max_context: int | None = None,
    ) -> None:
        self.stats = EngineStats()
        self._network, self._decoder = _with_decoder(network, dtype)
        self._store = PrefixStore(0)
        self._prompts: PromptReader = ModulePrompts(self._network, self.stats)
        self._tokenizer = tokenizer
        self._max_concurrent = max_concurrent
        self._cache: SlotCache | None = None
        self._eos_ids = _eos_ids(network, tokenizer)
        text_config = network.config.get_text_config()
        self._vocab_size: int = text_config.vocab_size
        limit = getattr(text_config, "max_position_embeddings", None)  # foreign: some have none
        self._max_context = max_context or limit

    def sample(self, requests: Sequence[Request], params: SamplingParams) -> list[list[Completion]]:
        """Completions per request, in the order of `requests` and of their seeds.

        Where memory runs out, rows that had not ended are sampled again, half as many at once, now
        and in later calls. Raises EngineError where a parameter is out of its range, a prompt is
        empty, has a token outside the vocabulary, or leaves no room for `params.max_tokens` in the
        model's context, and where memory is too small for one row.
        """
        _check_params(params)
        for index, request in enumerate(requests):
            self._check(request, index, params)
        rows = [[Row(r.prompt_ids, seed, r.limit(params)) for seed in r.seeds] for r in requests]
        stop = StopStrings(self._tokenizer, params.stop)
        waiting = [row for group in rows for row in group]
        while waiting:
            try:
                self._run(waiting, params, stop)
            except torch.OutOfMemoryError as error:
                self._halve(error)
            waiting = [row for row in waiting if row.stop_reason is None]
        return [[self._completion(row, stop) for row in group] for group in rows]

    def remember(self, max_bytes: int) -> None:
        """Keep keys and values of finished rows, up to `sync` and to so many bytes.

        A prompt that begins with what was read or sampled before (a search goes on, a second
        attempt follows the first) is then read from there on only. From now on prompts are read
        in the arithmetic of decode steps, so samples do not depend on what is remembered. Nothing
        is, and nothing changes, where modules of `transformers` decode (without `dtype`, for
        unknown families), on a GPU, and without compiled kernels.
        """
        decoder = self._decoder
        if isinstance(decoder, FusedDecoder) and decoder.trunk.can_extend:
            self._store.max_bytes = max_bytes
            self._prompts = PackedPrompts(decoder.trunk, self._store, self.stats)

    def sync(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the policy's weights in place; nothing to do where they are shared."""
        load_weights(self._network, weights)
        self._decoder.refresh()
        self._store.clear()

    def _run(self, rows: Sequence[Row], params: SamplingParams, stop: StopStrings) -> None:
        """Sample all rows. A row is filled in at its end, so others can be begun again."""
        with torch.inference_mode():
            loop = SamplingLoop(
                Models(self._network, self._prompts, self._decoder, self._store),
                self._cache_for(len(rows)),
                params=params,
                eos_ids=self._eos_ids,
                stop=stop,
                stats=self.stats,
            )
            loop.run(rows)

    def _halve(self, error: torch.OutOfMemoryError) -> None:
        """From now on, half as many rows at once; what was sampled does not depend on it.

        Raises EngineError where one row is too many already.
        """
        if self._max_concurrent == 1:
            raise EngineError(
                f"sampling one row at a time needs more memory than there is ({error}). Lower "
                "lengths.max_new_tokens or lengths.max_prompt_tokens, or take a smaller model."
            ) from error
        self._max_concurrent //= 2
        self._cache = None
        self._store.clear()
        self.stats.memory_ran_out += 1
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _cache_for(self, num_rows: int) -> SlotCache:
        """Empty; a steady one is that of the last call."""
        if self._decoder.layout is not Layout.STEADY:
            return SlotCache(min(self._max_concurrent, num_rows), self._decoder.layout)
        if self._cache is None:
            self._cache = SlotCache(self._max_concurrent, Layout.STEADY)
        self._cache.keep(0)
        return self._cache

    def _check(self, request: Request, index: int, params: SamplingParams) -> None:
        prompt_ids = request.prompt_ids
        if not prompt_ids:
            raise EngineError(f"request {index} has an empty prompt; give at least one token.")
        outside = [i for i in prompt_ids if not 0 <= i < self._vocab_size]
        if outside:
            raise EngineError(
                f"request {index} has token {outside[0]}, but the model's vocabulary ends at "
                f"{self._vocab_size - 1}. The tokenizer does not belong to this model."
            )
        limit = request.limit(params)
        wanted = len(prompt_ids) + limit
        if self._max_context is not None and wanted > self._max_context:
            raise EngineError(
                f"request {index} has a prompt of {len(prompt_ids)} tokens; with max_tokens "
                f"{limit} that is {wanted}, past the model's context of "
                f"{self._max_context}. Shorten or leave out the prompt, or lower max_tokens."
            )

    def _completion(self, row: Row, stop: StopStrings) -> Completion:
        assert row.stop_reason is not None, "the loop ends every row"
        text = decode_after(self._tokenizer, row.prompt_ids, row.token_ids)
        if row.stop_reason is StopReason.STOP_STRING:
            text = stop.cut(text)
        return Completion(
            prompt_ids=row.prompt_ids,
            token_ids=tuple(row.token_ids),
            logp=tuple(row.logp),
            sampler_logp=tuple(row.sampler_logp),
            text=text,
            stop_reason=row.stop_reason,
        )


def _with_decoder(
    network: PreTrainedModel, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, Decoder]:
    if dtype is None:
        view = shared_view(network)
        return view, ModuleDecoder(view)
    own = copy_in(network, dtype)
    return own, decoder_for(own)


def _check_params(params: SamplingParams) -> None:
    checks = {
        "max_tokens": (params.max_tokens >= 1, "at least 1"),
        "temperature": (params.temperature >= 0.0, "0 (greedy) or above"),
        "top_k": (params.top_k >= 0, "0 (off) or above"),
        "top_p": (0.0 < params.top_p <= 1.0, "above 0 and at most 1 (off)"),
        "min_p": (0.0 <= params.min_p <= 1.0, "between 0 (off) and 1"),
    }
    values = asdict(params)
    for name, (is_valid, expected) in checks.items():
        if not is_valid:
            raise EngineError(f"sampling: {name} is {values[name]}; it must be {expected}.")
    if "" in params.stop:
        raise EngineError("sampling: stop has an empty string, which every text contains; drop it.")


def _eos_ids(network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """EOS of the tokenizer and of the generation config (an id or a list of ids)."""
    found: list[int] = []
    generation = network.generation_config
    for eos in (tokenizer.eos_token_id, generation.eos_token_id if generation else None):
        if isinstance(eos, int):
            found.append(eos)
        elif isinstance(eos, list):
            found.extend(int(i) for i in eos)
    return frozenset(found)
