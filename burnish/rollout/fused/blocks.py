"""The weights of Llama's block and Gemma's (which norms each branch before and after), laid out for
decode: layers of one input stand side by side and are one product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

LLAMA_BLOCKS = frozenset({"llama", "mistral", "qwen2", "qwen3"})
GEMMA_BLOCKS = frozenset({"gemma2", "gemma3_text"})
KEPT_FROM = 2**19
"""Elements of a weight from which its laid-out copy pays: small products gain less than 10 %."""
FEW_ROWS = 512
"""Rows up to which it pays: its layout is one for decode steps."""


class Product:
    """Layers of one input as one: `x W^T + b`, their outputs side by side.

    On a CPU a bfloat16 product lays its weight out anew in every call. Of large ones a laid-out
    copy is kept, made at the first call after `refresh`.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight = weight
        self._bias = bias
        self._is_kept = _is_worth_keeping(weight)
        self._kept: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if not self._is_kept or len(x) > FEW_ROWS:
            return nn.functional.linear(x, self.weight, self._bias)
        if self._kept is None:
            self._kept = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), len(x))
        return torch.ops.mkldnn._linear_pointwise(x, self._kept, self._bias, "none", [], "")

    def refresh(self) -> None:
        """The weight has changed in place."""
        self._kept = None


def _is_worth_keeping(weight: Tensor) -> bool:
    fits = weight.device.type == "cpu" and weight.dtype is torch.bfloat16
    is_known = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return fits and is_known and weight.numel() >= KEPT_FROM


@dataclass(frozen=True, slots=True)
class Norm:
    """Root-mean-square norm over the last dimension.

    Attributes:
        factor: float32 `[D]`; for the heads of a layer `[head, channel]`, queries before keys.
        eps: added to the mean square.
    """

    factor: Tensor
    eps: float


@dataclass(frozen=True, slots=True)
class Block:
    """One layer. Norms that its family lacks are None."""

    layer_type: str
    num_heads: int
    num_key_heads: int
    scaling: float
    window: int | None
    softcap: float | None
    activation: nn.Module
    qkv: Product
    out: Product
    gate_up: Product
    down: Product
    norm_attention: Norm
    norm_heads: Norm | None
    norm_attended: Norm | None
    norm_mlp: Norm
    norm_mlp_out: Norm | None


def products_of(block: Block) -> list[Product]:
    """The products of a layer."""
    return [block.qkv, block.out, block.gate_up, block.down]


def norms_of(block: Block) -> list[Norm]:
    """The norms that a layer has, always in the same order."""
    found = (block.norm_attention, block.norm_heads, block.norm_attended, block.norm_mlp)
    return [norm for norm in (*found, block.norm_mlp_out) if norm is not None]


def block_of(layer: Any, qkv: Product, gate_up: Product, config: Any) -> Block:  # noqa: ANN401
    """A layer of `transformers` with its packed products."""
    attention, mlp, settings = layer.self_attn, layer.mlp, vars(config)
    is_gemma = config.model_type in GEMMA_BLOCKS
    after_attention = norm_of(layer.post_attention_layernorm, config)
    # Mistral's attention asks the config for its window, the others know it themselves.
    window = settings.get("sliding_window") if config.model_type == "mistral" else None
    return Block(
        layer_type=vars(attention).get("layer_type") or "full_attention",
        num_heads=config.num_attention_heads,
        num_key_heads=config.num_key_value_heads,
        scaling=attention.scaling,
        window=vars(attention).get("sliding_window", window),
        softcap=settings.get("attn_logit_softcapping"),
        activation=mlp.act_fn,
        qkv=qkv,
        out=Product(attention.o_proj.weight, attention.o_proj.bias),
        gate_up=gate_up,
        down=Product(mlp.down_proj.weight, mlp.down_proj.bias),
        norm_attention=norm_of(layer.input_layernorm, config),
        norm_heads=_norm_of_heads(attention, config),
        norm_attended=after_attention if is_gemma else None,
        norm_mlp=norm_of(layer.pre_feedforward_layernorm, config) if is_gemma else after_attention,
        norm_mlp_out=norm_of(layer.post_feedforward_layernorm, config) if is_gemma else None,
    )


def norm_of(module: Any, config: Any) -> Norm:  # noqa: ANN401
    """A norm of `transformers`. Gemma stores how far its factors are from 1."""
    weight = module.weight.detach().float()
    factor = weight + 1.0 if config.model_type in GEMMA_BLOCKS else weight
    return Norm(factor, float(config.rms_norm_eps))


def _norm_of_heads(attention: Any, config: Any) -> Norm | None:  # noqa: ANN401
    """The norms of query and key heads as one, `[head, channel]`."""
    if config.model_type not in ("qwen3", "gemma3_text"):
        return None
    query, key = norm_of(attention.q_norm, config), norm_of(attention.k_norm, config)
    factors = [query.factor] * config.num_attention_heads + [
        key.factor
    ] * config.num_key_value_heads
    return Norm(torch.stack(factors), query.eps)


def packed_products(layer: Any) -> tuple[Product, Product]:  # noqa: ANN401
    """Query, key and value as one product, gate and up as another; the layer shares the storage."""
    attention, mlp = layer.self_attn, layer.mlp
    qkv = _packed([attention.q_proj, attention.k_proj, attention.v_proj])
    return qkv, _packed([mlp.gate_proj, mlp.up_proj])


def _packed(layers: Sequence[nn.Linear]) -> Product:
    """One storage for several layers, whose parameters become views of it: copies reach both."""
    weights = [cast("nn.Parameter", layer.weight) for layer in layers]
    biases = [cast("nn.Parameter | None", layer.bias) for layer in layers]
    bias = _side_by_side([b for b in biases if b is not None]) if None not in biases else None
    return Product(_side_by_side(weights), bias)


def _side_by_side(parameters: Sequence[nn.Parameter]) -> Tensor:
    together = torch.cat([parameter.detach() for parameter in parameters])
    parts = together.split([len(parameter) for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.data = part
    return together
