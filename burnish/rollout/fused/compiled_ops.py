"""The same steps as one call each of the compiled kernels (`kernels/decode.cpp`), on a CPU."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from burnish.kernels.call import SUFFIXES, Kernels, kernels
from burnish.models.fused_layers import activation_name
from burnish.rollout.attention import DecodePlan, PackedPlan
from burnish.rollout.cache import Layout, SlotCache
from burnish.rollout.fused.blocks import Block, Norm
from burnish.rollout.fused.ops import Turn

_MAX_CHANNELS = 1024  # of a head: kernels keep one on their stack, in parts of 8
_CHANNELS_AT_ONCE = 8


class _Heads(ctypes.Structure):
    """`Heads` of decode.cpp."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("rows", "query_heads", "key_heads", "channels")),
        *((name, ctypes.c_int64) for name in ("columns", "window")),
        *((name, ctypes.c_float) for name in ("scaling", "softcap", "eps")),
    ]


class CompiledOps:
    """See `BlockOps`. Tensors are contiguous: products and the cache make them so."""

    layout = Layout.LOOSE

    def __init__(self, decode: Kernels, dtype: torch.dtype, activation: str) -> None:
        self._decode = decode
        self._dtype = dtype
        self._suffix = SUFFIXES[dtype]
        self._activation = activation

    def add_and_norm(
        self, residual: Tensor, branch: Tensor | None, branch_norm: Norm | None, norm: Norm
    ) -> Tensor:
        """See `BlockOps`."""
        out = torch.empty(residual.shape, dtype=self._dtype)
        factor = None if branch_norm is None else branch_norm.factor
        arguments = (residual, branch, factor, norm.factor, norm.eps, *residual.shape, out)
        self._decode(f"add_and_norm_{self._suffix}", *arguments)
        return out

    def attend(
        self, qkv: Tensor, block: Block, turn: Turn, cache: SlotCache, index: int, plan: DecodePlan
    ) -> Tensor:
        """See `BlockOps`."""
        return self._attend(qkv, block, turn, cache.block(index), plan.positions, None)

    def attend_packed(
        self, qkv: Tensor, block: Block, turn: Turn, cache: SlotCache, index: int, plan: PackedPlan
    ) -> Tensor:
        """The same for any number of tokens of any slots."""
        return self._attend(qkv, block, turn, cache.block(index), plan.positions, plan.slots)

    def _attend(
        self,
        qkv: Tensor,
        block: Block,
        turn: Turn,
        cached: tuple[Tensor, Tensor],
        positions: Tensor,
        slots: Tensor | None,
    ) -> Tensor:
        keys, values = cached
        norm = block.norm_heads
        heads = _Heads(
            len(qkv),
            block.num_heads,
            block.num_key_heads,
            keys.shape[-1],
            keys.shape[-2],
            block.window or 0,
            block.scaling,
            block.softcap or 0.0,
            0.0 if norm is None else norm.eps,
        )
        out = torch.empty(len(qkv), block.num_heads * keys.shape[-1], dtype=self._dtype)
        factor = None if norm is None else norm.factor
        places = (keys, values, positions, slots)
        self._decode(f"attend_{self._suffix}", qkv, turn.cos, turn.sin, factor, *places, heads, out)
        return out

    def gate(self, gate_up: Tensor, block: Block) -> Tensor:
        """See `BlockOps`."""
        rows, size = len(gate_up), gate_up.shape[1] // 2
        out = torch.empty(rows, size, dtype=self._dtype)
        self._decode(f"gate_{self._activation}_{self._suffix}", gate_up, rows, size, out)
        return out


def compiled_ops(dtype: torch.dtype, device: torch.device, block: Block) -> CompiledOps | None:
    """The compiled steps for blocks like this one; None where torch has to do."""
    decode = kernels("decode")
    activation = activation_name(block.activation)
    channels = len(block.qkv.weight) // (block.num_heads + 2 * block.num_key_heads)
    fits = device.type == "cpu" and dtype in SUFFIXES
    fits = fits and channels <= _MAX_CHANNELS and channels % _CHANNELS_AT_ONCE == 0
    if decode is None or activation is None or not fits:
        return None
    return CompiledOps(decode, dtype, activation)


def compiled_draw(
    logits: Tensor, uniforms: Tensor, temperature: float
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Tokens of `[B, V]` logits with their log-probabilities under the model and at `temperature`.

    None where there are no kernels for these logits.
    """
    decode = kernels("decode")
    if decode is None or logits.device.type != "cpu" or logits.dtype not in SUFFIXES:
        return None
    rows, size = logits.shape
    token_ids = torch.empty(rows, dtype=torch.long)
    logp, sampler_logp = torch.empty(rows), torch.empty(rows)
    out = (token_ids, logp, sampler_logp)
    inputs = (logits.contiguous(), rows, size, float(temperature), uniforms.contiguous())
    decode(f"draw_{SUFFIXES[logits.dtype]}", *inputs, *out)
    return out
