"""One decode step: the last token of every row in, the logits of the next one out.

`ModuleDecoder` runs the network as `transformers` wrote it. `FusedDecoder` computes the same for
the families built from Llama's block or Gemma's in far fewer calls: queries, keys and values are
one product, gate and up another, and on a CPU with a compiler what stands between two products is
one call. At one token a row a small model spends most of its time in calls, not in sums.
"""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from burnish.rollout.attention import DecodePlan
from burnish.rollout.cache import Layout, SlotCache
from burnish.rollout.fused.blocks import Product
from burnish.rollout.fused.trunk import FusedTrunk, can_be_fused
from burnish.rollout.recorded import RecordedDecoder, record_cuda_graph


class Decoder(Protocol):
    """A forward pass of one token a row."""

    @property
    def layout(self) -> Layout:
        """How the cache should be laid out for it."""
        ...

    def __call__(
        self, token_ids: Tensor, positions: Tensor, cache: SlotCache, plan: DecodePlan
    ) -> Tensor:
        """`[B, V]` logits after B tokens at B positions, whose keys and values enter the cache."""
        ...

    def refresh(self) -> None:
        """Follow the network's weights, which have changed in place."""
        ...


def decoder_for(network: PreTrainedModel) -> Decoder:
    """The fastest decoder that knows the network's family.

    Args:
        network: the engine's own copy. Its parameters are laid out anew; their values stay.
    """
    is_fused = can_be_fused(network)
    decoder = FusedDecoder(network, FusedTrunk(network)) if is_fused else ModuleDecoder(network)
    on_cuda = network.device.type == "cuda"
    return RecordedDecoder(decoder, record_cuda_graph) if on_cuda else decoder


class ModuleDecoder:
    """Any causal language model of `transformers` that follows its attention interface."""

    layout = Layout.TIGHT

    def __init__(self, network: PreTrainedModel) -> None:
        self._network = network

    def __call__(
        self, token_ids: Tensor, positions: Tensor, cache: SlotCache, plan: DecodePlan
    ) -> Tensor:
        """See `Decoder`."""
        return self._network(
            input_ids=token_ids[:, None],
            position_ids=positions[:, None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            plan=plan,
        ).logits[:, -1]

    def refresh(self) -> None:
        """Nothing to do: modules read their own weights."""


class FusedDecoder:
    """Networks of Llama's blocks or Gemma's.

    Args:
        network: belongs to the engine.
        trunk: of the network.
    """

    def __init__(self, network: PreTrainedModel, trunk: FusedTrunk) -> None:
        self.trunk = trunk
        head = cast("nn.Linear", network.get_output_embeddings())
        self._head = Product(head.weight, head.bias)
        self._softcap: float | None = vars(network.config).get("final_logit_softcapping")

    @property
    def layout(self) -> Layout:
        """See `Decoder`."""
        return self.trunk.layout

    def refresh(self) -> None:
        """See `Decoder`."""
        self.trunk.refresh()
        self._head.refresh()

    def __call__(
        self, token_ids: Tensor, positions: Tensor, cache: SlotCache, plan: DecodePlan
    ) -> Tensor:
        """See `Decoder`."""
        logits = self._head(self.trunk.step(token_ids, positions, cache, plan))
        if self._softcap is None:
            return logits
        return torch.tanh(logits / self._softcap) * self._softcap
