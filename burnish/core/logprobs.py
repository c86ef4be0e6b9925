"""Log-probability and entropy of given tokens without the [N, V] matrix of logits.

The output layer and the softmax are computed for some rows at a time, and again in the backward
pass, which adds up the gradients in place. Memory is one chunk of logits, whatever N is; the price
is one more matrix product (4 instead of 3). Matrix products run in the dtype of the inputs, or of
autocast where it is on; the softmax, and the sum of the weight's gradient over chunks, in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

CHUNK_ELEMENTS = 2**20
MIN_CHUNK_ROWS = 128


def token_logps(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    targets: Int[Tensor, "N"],
    *,
    bias: Float[Tensor, "V"] | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
    chunk_size: int | None = None,
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """Log-probability of each target, and entropy of the distribution it is drawn from, in nats.

        z = hidden weight^T + bias;  z <- softcap tanh(z / softcap)
        logp_n = log softmax(z_n / temperature)[targets_n]

    Args:
        hidden: last hidden states, one row per predicted token; select the actions first.
        weight: output layer.
        targets: ids of the predicted tokens.
        temperature: of the distribution asked for; 1 is the model itself.
        softcap: final logit soft-capping of Gemma 2; None for none.
        chunk_size: rows at a time; None takes 4 MB of logits, but at least 128 rows.

    Returns:
        logp and entropy, float32 (float64 for float64 inputs). Entropy has no gradient: a metric.
    """
    rows = chunk_size or max(MIN_CHUNK_ROWS, CHUNK_ELEMENTS // weight.shape[0])
    head = _Head(temperature, softcap, _matmul_dtype(hidden, weight), rows)
    return _TokenLogps.apply(hidden, weight, bias, targets, head)  # pyright: ignore[reportReturnType]


@dataclass(frozen=True, slots=True)
class _Head:
    temperature: float
    softcap: float | None
    matmul_dtype: torch.dtype
    rows: int

    @property
    def sum_dtype(self) -> torch.dtype:
        return torch.promote_types(self.matmul_dtype, torch.float32)

    def chunks(self, num_rows: int) -> Iterator[slice]:
        for start in range(0, num_rows, self.rows):
            yield slice(start, min(start + self.rows, num_rows))

    def scaled_logits(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What the softmax is taken of, in the dtype of sums; a fresh tensor."""
        logits = (hidden.to(self.matmul_dtype) @ weight.T).to(self.sum_dtype)
        if bias is not None:
            logits += bias
        if self.softcap is not None:
            logits.div_(self.softcap).tanh_().mul_(self.softcap)
        return logits if self.temperature == 1.0 else logits.div_(self.temperature)

    def grad_logits(self, scaled: Tensor, targets: Tensor, grad_logp: Tensor) -> Tensor:
        """Gradient of the raw logits z: grad_logp (onehot - softmax) dscaled/dz."""
        row_grad = (grad_logp / self.temperature)[:, None]
        grad = torch.softmax(scaled, dim=1).mul_(-row_grad)
        grad.scatter_add_(1, targets[:, None].long(), row_grad)
        if self.softcap is not None:
            grad *= 1.0 - (scaled * (self.temperature / self.softcap)).square_()
        return grad


class _Context(FunctionCtx):
    """What autograd keeps on the context, typed."""

    head: _Head
    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]


class _TokenLogps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        head: _Head,
    ) -> tuple[Tensor, Tensor]:
        logp = hidden.new_empty(hidden.shape[0], dtype=head.sum_dtype)
        entropy = torch.empty_like(logp)
        cast_weight = weight.to(head.matmul_dtype)
        with torch.autocast(hidden.device.type, enabled=False):
            for rows in head.chunks(hidden.shape[0]):
                scaled = head.scaled_logits(hidden[rows], cast_weight, bias)
                logp[rows], entropy[rows] = _logp_and_entropy(scaled, targets[rows])
        cast("_Context", ctx).head = head
        ctx.save_for_backward(hidden, weight, bias, targets)  # pyright: ignore[reportArgumentType]
        ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: FunctionCtx, grad_logp: Tensor, _grad_entropy: Tensor
    ) -> tuple[Tensor | None, ...]:
        context = cast("_Context", ctx)
        hidden, weight, bias, targets = context.saved_tensors
        head, (needs_hidden, needs_weight, needs_bias, *_) = context.head, context.needs_input_grad
        grad_hidden = torch.empty_like(hidden) if needs_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=head.sum_dtype) if needs_weight else None
        grad_bias = torch.zeros_like(bias, dtype=head.sum_dtype) if needs_bias else None
        cast_weight = weight.to(head.matmul_dtype)
        with torch.autocast(hidden.device.type, enabled=False):
            for rows in head.chunks(hidden.shape[0]):
                scaled = head.scaled_logits(hidden[rows], cast_weight, bias)
                grad = head.grad_logits(scaled, targets[rows], grad_logp[rows])
                if grad_bias is not None:
                    grad_bias += grad.sum(dim=0)
                grad = grad.to(head.matmul_dtype)
                if grad_hidden is not None:
                    grad_hidden[rows] = grad @ cast_weight
                if grad_weight is not None:
                    grad_weight += grad.T @ hidden[rows].to(head.matmul_dtype)
        # Autograd itself casts each gradient to the dtype of its input.
        return grad_hidden, grad_weight, grad_bias, None, None


def _logp_and_entropy(scaled: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """One exponential per logit: with m = max z, the largest probability is exp(m - logsumexp)."""
    probability = torch.softmax(scaled, dim=1)
    logsumexp = scaled.amax(dim=1) - probability.amax(dim=1).log()
    logp = scaled.gather(1, targets[:, None].long())[:, 0] - logsumexp
    return logp, logsumexp - torch.linalg.vecdot(probability, scaled)


def _matmul_dtype(hidden: Tensor, weight: Tensor) -> torch.dtype:
    dtype = torch.promote_types(hidden.dtype, weight.dtype)
    device = hidden.device.type
    if torch.is_autocast_enabled(device) and dtype is not torch.float64:
        return torch.get_autocast_dtype(device)
    return dtype
