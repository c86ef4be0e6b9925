"""The same steps as one call each of the compiled kernels (`kernels/decode.cpp`), on a CPU."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from burnish.kernels.build import compiled_library
from burnish.models.fused_layers import activation_name
from burnish.rollout.attention import DecodePlan
from burnish.rollout.cache import SlotCache
from burnish.rollout.fused.blocks import Block, Norm
from burnish.rollout.fused.ops import Turn

_SUFFIXES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}
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

    reads_whole_blocks = False

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype, activation: str) -> None:
        suffix = _SUFFIXES[dtype]
        self._dtype = dtype
        self._add_and_norm = library[f"add_and_norm_{suffix}"]
        self._attend = library[f"attend_{suffix}"]
        self._gate = library[f"gate_{activation}_{suffix}"]

    def add_and_norm(
        self, residual: Tensor, branch: Tensor | None, branch_norm: Norm | None, norm: Norm
    ) -> Tensor:
        """See `BlockOps`."""
        rows, size = residual.shape
        out = torch.empty(rows, size, dtype=self._dtype)
        self._add_and_norm(
            _pointer(residual),
            None if branch is None else _pointer(branch),
            None if branch_norm is None else _pointer(branch_norm.factor),
            _pointer(norm.factor),
            ctypes.c_float(norm.eps),
            ctypes.c_int64(rows),
            ctypes.c_int64(size),
            _pointer(out),
            torch.get_num_threads(),
        )
        return out

    def attend(
        self, qkv: Tensor, block: Block, turn: Turn, cache: SlotCache, index: int, plan: DecodePlan
    ) -> Tensor:
        """See `BlockOps`."""
        keys, values = cache.block(index)
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
        self._attend(
            _pointer(qkv),
            _pointer(turn.cos),
            _pointer(turn.sin),
            None if norm is None else _pointer(norm.factor),
            _pointer(keys),
            _pointer(values),
            _pointer(plan.positions),
            ctypes.byref(heads),
            _pointer(out),
            torch.get_num_threads(),
        )
        return out

    def gate(self, gate_up: Tensor, block: Block) -> Tensor:
        """See `BlockOps`."""
        rows, size = len(gate_up), gate_up.shape[1] // 2
        out = torch.empty(rows, size, dtype=self._dtype)
        self._gate(
            _pointer(gate_up),
            ctypes.c_int64(rows),
            ctypes.c_int64(size),
            _pointer(out),
            torch.get_num_threads(),
        )
        return out


def compiled_ops(dtype: torch.dtype, device: torch.device, block: Block) -> CompiledOps | None:
    """The compiled steps for blocks like this one; None where torch has to do."""
    library = compiled_library("decode")
    activation = activation_name(block.activation)
    channels = len(block.qkv.weight) // (block.num_heads + 2 * block.num_key_heads)
    fits = device.type == "cpu" and dtype in _SUFFIXES
    fits = fits and channels <= _MAX_CHANNELS and channels % _CHANNELS_AT_ONCE == 0
    if library is None or activation is None or not fits:
        return None
    return CompiledOps(library, dtype, activation)


def compiled_draw(
    logits: Tensor, uniforms: Tensor, temperature: float
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Tokens of `[B, V]` logits with their log-probabilities under the model and at `temperature`.

    None where there are no kernels for these logits.
    """
    library = compiled_library("decode")
    if library is None or logits.device.type != "cpu" or logits.dtype not in _SUFFIXES:
        return None
    logits = logits.contiguous()
    rows, size = logits.shape
    token_ids = torch.empty(rows, dtype=torch.long)
    logp, sampler_logp = torch.empty(rows), torch.empty(rows)
    library[f"draw_{_SUFFIXES[logits.dtype]}"](
        _pointer(logits),
        ctypes.c_int64(rows),
        ctypes.c_int64(size),
        ctypes.c_float(temperature),
        _pointer(uniforms.contiguous()),
        _pointer(token_ids),
        _pointer(logp),
        _pointer(sampler_logp),
        torch.get_num_threads(),
    )
    return token_ids, logp, sampler_logp


def _pointer(tensor: Tensor) -> ctypes.c_void_p:
    assert tensor.is_contiguous()
    return ctypes.c_void_p(tensor.data_ptr())
