"""Which predictions are the policy's own, and the three ways to reduce a loss over them.

Alignment: column t of every token tensor is about `tokens[:, t + 1]`. Every reduction divides by a
count of the *global* batch that the caller gives, so that the sum over micro-batches, ranks or
packs equals the value of the undivided batch. Values off the mask may be anything, NaN included.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def action_mask(is_action: Bool[Tensor, "B L"]) -> Bool[Tensor, "B T"]:
    """Mask of the predictions whose token is an action: m_t = is_action_{t+1}, T = L - 1.

    The first token is nobody's prediction, so a flag there is dropped.
    """
    return is_action[:, 1:]


def scatter_actions(
    values: Float[Tensor, "N"], mask: Bool[Tensor, "B T"], *, fill: float = 0.0
) -> Float[Tensor, "B T"]:
    """Put one value per action, in row-major order, back at its place; `fill` elsewhere.

    Undoes `x[mask]`; differentiable. N must be the number of True in `mask`.
    """
    blank = torch.full(mask.shape, fill, dtype=values.dtype, device=values.device)
    return blank.masked_scatter(mask, values)


def token_mean(
    values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"], *, num_tokens: int
) -> Float[Tensor, ""]:
    """Every action weighs the same: sum_it m_it x_it / num_tokens.

    Args:
        num_tokens: actions in the global batch.
    """
    return _masked_sum(values, mask) / num_tokens


def sequence_mean(
    values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"], *, num_sequences: int
) -> Float[Tensor, ""]:
    """Every sequence weighs the same: sum_i (sum_t m_it x_it / sum_t m_it) / num_sequences.

    ReFT's reduction (arXiv:2401.08967, released code). A sequence without actions adds zero.

    Args:
        num_sequences: sequences in the global batch.
    """
    lengths = mask.sum(dim=1).clamp(min=1)
    return (torch.where(mask, values, 0.0).sum(dim=1) / lengths).sum() / num_sequences


def constant_mean(
    values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"], *, divisor: int | float
) -> Float[Tensor, ""]:
    """Sum over actions by a constant: sum_it m_it x_it / divisor.

    No length in the divisor, hence no length bias (Dr. GRPO, arXiv:2503.20783).

    Args:
        divisor: a number that does not depend on the sampled lengths, usually the sequences in
            the global batch times the token limit.
    """
    return _masked_sum(values, mask) / divisor


def masked_mean(values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    """Mean over the mask of this batch alone (for metrics); zero where the mask is empty."""
    return _masked_sum(values, mask) / mask.sum().clamp(min=1)


def masked_variance(values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    """Population variance (divided by the count) over the mask; zero where the mask is empty."""
    return masked_mean((values - masked_mean(values, mask)).square(), mask)


def _masked_sum(values: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    return torch.where(mask, values, 0.0).sum()
