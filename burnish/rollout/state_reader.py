"""Last hidden states at the end of token sequences, for models that are read and do not sample.

Sequences of a search tree share their beginnings, in one call and from one call to the next: what
they share is computed once, in the arithmetic of the sampling engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel

from burnish.rollout.fused.trunk import FusedTrunk, can_be_fused
from burnish.rollout.prefixes import PrefixStore
from burnish.rollout.prompts import PackedPrompts, Prefix, extend, staging_cache
from burnish.rollout.replica import copy_in
from burnish.rollout.stats import EngineStats

SEQUENCES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """A sequence whose last state is wanted.

    Attributes:
        token_ids: at least one.
        num_shared: how many of the first tokens other sequences may begin with as well.
    """

    token_ids: tuple[int, ...]
    num_shared: int

    @property
    def beginning(self) -> tuple[int, ...]:
        """What is shared; never the last token, at which the state is read."""
        return self.token_ids[: min(self.num_shared, len(self.token_ids) - 1)]


class StateReader:
    """Reads with a copy of a network: the weights are those of the time when it was made.

    Args:
        trunk: belongs to the reader; it can extend.
        prefix_bytes: memory for keys and values of what was read.

    Attributes:
        stats: what was read, as prompts.
    """

    def __init__(self, trunk: FusedTrunk, *, prefix_bytes: int) -> None:
        self.stats = EngineStats()
        self._trunk = trunk
        self._store = PrefixStore(prefix_bytes)
        self._prompts = PackedPrompts(trunk, self._store, self.stats)

    @torch.inference_mode()
    def read(self, readings: Sequence[Reading]) -> Float[Tensor, "N D"]:
        """The states, normed and in float32, in order."""
        order = sorted(range(len(readings)), key=lambda i: readings[i].token_ids)
        parts = [
            self._states([readings[i] for i in order[start : start + SEQUENCES_AT_ONCE]])
            for start in range(0, len(order), SEQUENCES_AT_ONCE)
        ]
        return torch.cat(parts)[torch.tensor(order).argsort()]

    def _states(self, readings: Sequence[Reading]) -> Tensor:
        prefixes = self._beginnings(readings)
        sequences = [reading.token_ids for reading in readings]
        starts = [len(reading.beginning) for reading in readings]
        cache = staging_cache(self._trunk, list(map(len, sequences)))
        for slot, reading in enumerate(readings):
            cache.fill(slot, 1, prefixes[reading.beginning])
        states = extend(self._trunk, cache, sequences, starts, num_wanted=len(sequences))
        self.stats.prefill_tokens += sum(map(len, sequences)) - sum(starts)
        for slot, tokens in enumerate(sequences):
            self._store.remember(tokens, partial(cache.copied, slot, len(tokens)))
        return states

    def _beginnings(self, readings: Sequence[Reading]) -> dict[tuple[int, ...], Prefix]:
        """Keys and values of each distinct beginning."""
        beginnings = list(dict.fromkeys(reading.beginning for reading in readings))
        prefixes = self._prompts.read(beginnings)
        return dict(zip(beginnings, prefixes, strict=True))


def state_reader(
    network: PreTrainedModel, dtype: torch.dtype, *, prefix_bytes: int
) -> StateReader | None:
    """A reader of a network's states; None where there are no kernels for it.

    Args:
        network: it is copied.
        dtype: of the copy.
    """
    if network.device.type != "cpu" or not can_be_fused(network):
        return None
    backbone = cast("PreTrainedModel", network.base_model)  # without the output layer
    trunk = FusedTrunk(copy_in(backbone, dtype))
    return StateReader(trunk, prefix_bytes=prefix_bytes) if trunk.can_extend else None
