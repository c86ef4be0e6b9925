"""All blocks of a network of Llama's kind or Gemma's, from tokens to last hidden states.

One pass takes one token of each row (a decode step), or any number of tokens of any rows (`extend`:
prompts, and what follows a known beginning). Both compute a token in the same way from the keys and
values before it, so it makes no difference which of them computed those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from burnish.rollout.attention import DecodePlan, PackedPlan
from burnish.rollout.cache import Layout, SlotCache
from burnish.rollout.fused.blocks import (
    GEMMA_BLOCKS,
    LLAMA_BLOCKS,
    Block,
    block_of,
    norm_of,
    norms_of,
    packed_products,
    products_of,
)
from burnish.rollout.fused.compiled_ops import CompiledOps, compiled_ops
from burnish.rollout.fused.ops import BlockOps, TorchOps, Turn

Attend: TypeAlias = Callable[[Tensor, Block, Turn, int], Tensor]


class FusedTrunk:
    """A network without its output layer.

    Args:
        network: belongs to the caller; its parameters are laid out anew, their values stay.
        ops: None takes the compiled kernels where there are any.
    """

    def __init__(self, network: PreTrainedModel, ops: BlockOps | None = None) -> None:
        self._trunk = cast("Any", network.base_model)  # its layers are known by family only
        self._config = network.config
        self._dtype = next(network.parameters()).dtype
        self._products = [packed_products(layer) for layer in self._trunk.layers]
        self._blocks = self._read_blocks()
        before_attention = [block.norm_attention for block in self._blocks[1:]]
        self._norms_after = [*before_attention, norm_of(self._trunk.norm, self._config)]
        fastest = compiled_ops(self._dtype, network.device, self._blocks[0])
        self._ops: BlockOps = ops or fastest or TorchOps(self._dtype)

    @property
    def layout(self) -> Layout:
        """See `Decoder`."""
        return self._ops.layout

    @property
    def can_extend(self) -> bool:
        """Whether there are the kernels that `extend` needs."""
        return isinstance(self._ops, CompiledOps)

    def empty_prefix(self) -> list[Tensor]:
        """Keys and values `[2, head, 0, channel]` of no token, for every layer."""
        shape = (2, self._blocks[0].num_key_heads, 0, self._channels)
        return [torch.empty(shape, dtype=self._dtype) for _ in self._blocks]

    def step(
        self, token_ids: Tensor, positions: Tensor, cache: SlotCache, plan: DecodePlan
    ) -> Tensor:
        """`[B, D]` normed states after B tokens, one a slot, whose keys and values are cached."""
        residual, turns = self._embedded(token_ids, positions)
        x = self._ops.add_and_norm(residual, None, None, self._blocks[0].norm_attention)
        for index, block in enumerate(self._blocks):
            turn = turns[block.layer_type]
            attended = self._ops.attend(block.qkv(x), block, turn, cache, index, plan)
            x = self._rest_of_block(index, residual, attended)
        return x

    def extend(
        self, token_ids: Tensor, plan: PackedPlan, cache: SlotCache, wanted: Tensor
    ) -> Tensor:
        """Let the keys and values of R tokens enter `cache`.

        Args:
            token_ids: [R], of any slots; those of a slot follow what stands in it.
            plan: their places.
            cache: wide enough.
            wanted: [N] which of them the states are returned of.

        Returns:
            [N, D] normed states, in float32.
        """
        ops, last = self._ops, len(self._blocks) - 1
        assert isinstance(ops, CompiledOps), "ask `can_extend`"
        residual, turns = self._embedded(token_ids, plan.positions)
        x = ops.add_and_norm(residual, None, None, self._blocks[0].norm_attention)
        for index, block in enumerate(self._blocks):
            turn = turns[block.layer_type]
            attended = ops.attend_packed(block.qkv(x), block, turn, cache, index, plan)
            if index == last:  # nothing but the wanted states depends on what follows
                residual, attended = residual[wanted], attended[wanted]
            if len(residual):
                x = self._rest_of_block(index, residual, attended)
        norm = self._norms_after[-1]
        return nn.functional.rms_norm(residual, residual.shape[-1:], norm.factor, norm.eps)

    def refresh(self) -> None:
        """Products share the network's storage; the norms' factors are computed from it.

        They stay where they are, since a recorded step reads them there.
        """
        fresh = self._read_blocks()
        pairs = zip(self._blocks, fresh, strict=True)
        norms = [pair for blocks in pairs for pair in zip(*map(norms_of, blocks), strict=True)]
        norms.append((self._norms_after[-1], norm_of(self._trunk.norm, self._config)))
        for norm, new in norms:
            norm.factor.copy_(new.factor)
        for product in chain.from_iterable(map(products_of, self._blocks)):
            product.refresh()

    def _embedded(self, token_ids: Tensor, positions: Tensor) -> tuple[Tensor, Mapping[str, Turn]]:
        residual = self._trunk.embed_tokens(token_ids).float()
        return residual, self._turns(residual, positions)

    def _rest_of_block(self, index: int, residual: Tensor, attended: Tensor) -> Tensor:
        """What follows attention in block `index`, up to the norm before the next one's."""
        ops, block = self._ops, self._blocks[index]
        x = ops.add_and_norm(residual, block.out(attended), block.norm_attended, block.norm_mlp)
        gated = ops.gate(block.gate_up(x), block)
        return ops.add_and_norm(
            residual, block.down(gated), block.norm_mlp_out, self._norms_after[index]
        )

    def _read_blocks(self) -> list[Block]:
        layers = zip(self._trunk.layers, self._products, strict=True)
        return [block_of(layer, *products, self._config) for layer, products in layers]

    @property
    def _channels(self) -> int:
        block = self._blocks[0]
        return len(block.qkv.weight) // (block.num_heads + 2 * block.num_key_heads)

    def _turns(self, like: Tensor, positions: Tensor) -> Mapping[str, Turn]:
        """Rotary cosines and sines of B positions, for each kind of layer."""
        rotary, types = self._trunk.rotary_emb, {block.layer_type for block in self._blocks}
        if self._config.model_type == "gemma3_text":  # one base frequency a kind of layer
            return {kind: Turn.of(*rotary(like, positions[:, None], kind)) for kind in types}
        return dict.fromkeys(types, Turn.of(*rotary(like, positions[:, None])))


def can_be_fused(network: PreTrainedModel) -> bool:
    """Whether the network is of a family that a `FusedTrunk` computes."""
    is_known = network.config.model_type in LLAMA_BLOCKS | GEMMA_BLOCKS
    return is_known and _turns_whole_heads(network)


def _turns_whole_heads(network: PreTrainedModel) -> bool:
    """Whether rotary positions turn all channels of a head, as `Turn` does."""
    trunk = cast("Any", network.base_model)
    probe = torch.zeros(1, 1, device=network.device)
    is_gemma3 = network.config.model_type == "gemma3_text"
    kinds = (trunk.layers[0].self_attn.layer_type,) if is_gemma3 else ()
    cos, _ = trunk.rotary_emb(probe, probe.long(), *kinds)
    return cos.shape[-1] == trunk.layers[0].self_attn.head_dim
