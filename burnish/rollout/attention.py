"""Attention for the sampling loop, registered with `transformers` under a name of our own.

A forward pass gets a plan (the keyword `plan`) that says how its queries see its keys: causally
over right-padded prompts, or one query a row over the cache. A model class hands unknown keywords
down to its attention function, so it needs no change. Since the name has no mask function,
`transformers` builds no mask either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from burnish.errors import EngineError

ATTENTION_NAME = "burnish_rollout"


class AttentionPlan(Protocol):
    """How the queries of one forward pass see its keys."""

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scaling: float,
        window: int | None,
        softcap: float | None,
    ) -> Tensor:
        """From `[B, head, query, channel]` to `[B, query, head, channel]`."""
        ...


class CausalPlan:
    """Prompts of one batch, right-padded: no real query stands after a padded key, so none sees it.

    Args:
        num_columns: length of the padded prompts.
    """

    def __init__(self, num_columns: int, device: torch.device) -> None:
        self._positions = torch.arange(num_columns, device=device)

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scaling: float,
        window: int | None,
        softcap: float | None,
    ) -> Tensor:
        """Fused attention where the mask is plainly causal; otherwise masked products."""
        num_columns = query.shape[2]
        windowed = window is not None and window < num_columns
        if softcap is not None:
            return self._capped(query, key, value, scaling, window, softcap)
        out = nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=self._seen(window) if windowed else None,
            is_causal=not windowed,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        return out.transpose(1, 2)

    def _seen(self, window: int | None) -> Tensor:
        distance = self._positions[:, None] - self._positions[None, :]
        return visible(distance, window)

    def _capped(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        scaling: float,
        window: int | None,
        softcap: float,
    ) -> Tensor:
        group = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(group, dim=1) for x in (key, value))
        scores = torch.matmul(query, key.transpose(-1, -2)).float() * scaling
        scores = torch.tanh(scores / softcap) * softcap
        scores = scores.masked_fill(~self._seen(window), -math.inf)
        return torch.matmul(scores.softmax(-1).to(value.dtype), value).transpose(1, 2)


class DecodePlan:
    """One query a row, over all keys of the row up to its own position.

    Args:
        positions: B positions of the queries.
        dtype: of the masks: the dtype of the cache.
    """

    def __init__(self, positions: Tensor, dtype: torch.dtype) -> None:
        self.positions = positions
        self.dtype = dtype
        self._masks: dict[int | None, Tensor] = {}

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scaling: float,
        window: int | None,
        softcap: float | None,
    ) -> Tensor:
        """Two batched products over `B * key heads`; query heads of one group share the keys."""
        rows, heads, _, channels = query.shape
        key_heads, columns = key.shape[1], key.shape[2]
        batch, group = rows * key_heads, heads // key_heads
        q = query.reshape(batch, group, channels)
        k = key.reshape(batch, columns, channels)
        mask = self._mask(window, columns, key_heads)
        if softcap is None:
            scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scaling)
        else:
            scores = torch.bmm(q, k.transpose(1, 2)) * (scaling / softcap)
            scores = torch.tanh(scores) * softcap + mask
        out = torch.bmm(scores.softmax(-1), value.reshape(batch, columns, channels))
        return out.view(rows, 1, heads, channels)

    def _mask(self, window: int | None, num_columns: int, key_heads: int) -> Tensor:
        """`[B * key heads, 1, column]`: 0 where a query sees, minus infinity elsewhere.

        Columns past a row's own position hold what another row left, or nothing.
        """
        if window is not None and window >= num_columns:
            window = None
        if window not in self._masks:
            columns = torch.arange(num_columns, device=self.positions.device)
            seen = visible(self.positions[:, None] - columns, window)
            mask = torch.zeros(seen.shape, dtype=self.dtype, device=seen.device)
            mask = mask.masked_fill_(~seen, -math.inf)
            self._masks[window] = mask.repeat_interleave(key_heads, dim=0)[:, None]
        return self._masks[window]


@dataclass(frozen=True, slots=True)
class PackedPlan:
    """R tokens of any slots of a cache, each over all keys of its slot up to its own position.

    Attributes:
        positions: [R] in the sequence of the slot.
        slots: [R]; which slot.
    """

    positions: Tensor
    slots: Tensor


def visible(distance: Tensor, window: int | None) -> Tensor:
    """Where `distance = query position - key position` is within the past and the window."""
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def attend_by_plan(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    plan: AttentionPlan | None = None,
    **kwargs: object,
) -> tuple[Tensor, None]:
    """The attention function as `transformers` calls it. Raises EngineError without a plan."""
    if plan is None:
        raise EngineError(
            f"{type(module).__name__} does not hand keyword arguments down to its attention, "
            "which the local engine needs. Use a model class of transformers that follows its "
            "attention interface (Llama, Qwen, Gemma, GPT-2 and most others do)."
        )
    scale: float = query.shape[-1] ** -0.5 if scaling is None else scaling
    out = plan.attend(query, key, value, scaling=scale, window=sliding_window, softcap=softcap)
    return out, None


AttentionInterface.register(ATTENTION_NAME, attend_by_plan)
