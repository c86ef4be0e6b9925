"""How prompts come into the cache: their keys and values, computed for many prompts at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Protocol, TypeAlias

import torch
from torch import Tensor
from transformers import PreTrainedModel

from burnish.rollout.attention import CausalPlan, PackedPlan
from burnish.rollout.cache import PrefillCache, SlotCache
from burnish.rollout.fused.trunk import FusedTrunk
from burnish.rollout.prefixes import PrefixStore
from burnish.rollout.stats import EngineStats

Prefix: TypeAlias = "list[Tensor]"
"""Keys and values `[2, head, token, channel]` of a beginning of a sequence, for every layer."""


class PromptReader(Protocol):
    """Computes keys and values of prompts."""

    def read(self, prompts: Sequence[tuple[int, ...]]) -> list[Prefix]:
        """Of all tokens of each prompt, which may have none."""
        ...


class ModulePrompts:
    """Any causal language model of `transformers` that follows its attention interface.

    Args:
        network: set up for `attend_by_plan`.
        stats: counted up in place.
    """

    def __init__(self, network: PreTrainedModel, stats: EngineStats) -> None:
        self._network = network
        self._stats = stats

    def read(self, prompts: Sequence[tuple[int, ...]]) -> list[Prefix]:
        """In one pass over all of them, padded."""
        device, lengths = self._network.device, list(map(len, prompts))
        # One column even for empty prompts: it shows the shape of the cache.
        width = max(1, *lengths)
        padded = [(prompt + (0,) * width)[:width] for prompt in prompts]
        cache = PrefillCache()
        self._network.base_model(
            input_ids=torch.tensor(padded, device=device),
            position_ids=torch.arange(width, device=device)[None],
            past_key_values=cache,
            use_cache=True,
            plan=CausalPlan(width, device),
        )
        self._stats.prefill_tokens += sum(lengths)
        self._stats.padding_tokens += width * len(prompts) - sum(lengths)
        return [cache.prefixes(row, length) for row, length in enumerate(lengths)]


class PackedPrompts:
    """Networks with a `FusedTrunk`: no padding, and known beginnings are not computed again.

    Args:
        trunk: that can extend.
        store: knows beginnings, and is left as it is.
        stats: counted up in place.
    """

    def __init__(self, trunk: FusedTrunk, store: PrefixStore, stats: EngineStats) -> None:
        self._trunk = trunk
        self._store = store
        self._stats = stats

    def read(self, prompts: Sequence[tuple[int, ...]]) -> list[Prefix]:
        """In one pass over what is not known of them."""
        cache = staging_cache(self._trunk, list(map(len, prompts)))
        starts = [self._put_known(cache, *pair) for pair in enumerate(prompts)]
        extend(self._trunk, cache, prompts, starts, num_wanted=0)
        self._stats.reused_tokens += sum(starts)
        self._stats.prefill_tokens += sum(map(len, prompts)) - sum(starts)
        return [cache.prefix(slot, len(prompt)) for slot, prompt in enumerate(prompts)]

    def _put_known(self, cache: SlotCache, slot: int, prompt: tuple[int, ...]) -> int:
        """Copy what is known of a prompt into a slot; returns its number of tokens."""
        size = 0
        for piece in self._store.known(prompt):
            cache.put(slot, size, piece)
            size += piece.shape[3]
        return size


def staging_cache(trunk: FusedTrunk, lengths: Sequence[int]) -> SlotCache:
    """A slot for each sequence, all as wide as the longest."""
    cache = SlotCache(len(lengths), trunk.layout)
    cache.fit(max(1, *lengths), trunk.empty_prefix())
    return cache


def extend(
    trunk: FusedTrunk,
    cache: SlotCache,
    sequences: Sequence[tuple[int, ...]],
    starts: Sequence[int],
    *,
    num_wanted: int,
) -> Tensor:
    """Let the rests of sequences, one a slot, enter the cache.

    Args:
        starts: how many tokens of each stand in its slot.
        num_wanted: of how many sequences, from the first on, the state of the last token is wanted.

    Returns:
        Their states, `[num_wanted, D]`.
    """
    rests = [range(a, len(s)) for s, a in zip(sequences, starts, strict=True)]
    sizes = torch.tensor([len(rest) for rest in rests])
    token_ids = [s[place] for s, rest in zip(sequences, rests, strict=True) for place in rest]
    wanted = sizes.cumsum(0)[:num_wanted] - 1
    if not token_ids:
        return torch.empty(0)
    plan = PackedPlan(
        torch.tensor(list(chain.from_iterable(rests))),
        torch.arange(len(sequences)).repeat_interleave(sizes),
    )
    return trunk.extend(torch.tensor(token_ids), plan, cache, wanted)
