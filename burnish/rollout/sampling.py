"""One token a row from a row of logits: filters, then the inverse of the cumulative distribution.

`torch.multinomial` over `[B, V]` costs more than a small model's step. Here one uniform a row is
looked up in the running sum, in two levels (blocks of tokens, then tokens of one block), so that
the running sum is never taken over the whole vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from burnish.rollout.engine import SamplingParams
from burnish.rollout.fused.compiled_ops import compiled_draw

TOKENS_PER_BLOCK = 64
_NUM_CANDIDATES = 512


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for B rows.

    Attributes:
        token_ids: B tokens.
        logp: their log-probabilities, in nats, under the model itself.
        sampler_logp: the same under the distribution they were drawn from.
    """

    token_ids: Tensor
    logp: Tensor
    sampler_logp: Tensor


def draw(logits: Tensor, uniforms: Tensor, params: SamplingParams) -> Draw:
    """Draw one token for each row of `[B, V]` logits with one uniform in [0, 1) a row."""
    if params.temperature > 0.0 and not _filters(params):
        drawn = compiled_draw(logits, uniforms, params.temperature)
        if drawn is not None:
            return Draw(*drawn)
    logits = logits.float()
    if params.temperature == 0.0:
        return _greedy(logits)
    if params.temperature == 1.0 and not _filters(params):
        probs = torch.softmax(logits, dim=-1)
        token_ids = invert_cdf(probs, uniforms)
        logp = probs.gather(1, token_ids[:, None])[:, 0].log()
        return Draw(token_ids, logp, logp)
    probs = sampling_probs(logits, params)
    token_ids = invert_cdf(probs, uniforms)
    sampler_logp = probs.gather(1, token_ids[:, None])[:, 0].log()
    return Draw(token_ids, _model_logp(logits, token_ids), sampler_logp)


def sampling_probs(logits: Tensor, params: SamplingParams) -> Tensor:
    """The `[B, V]` distribution to draw from: temperature, then top-k, then top-p, then min-p.

    Each filter sees what the one before it left, renormalised; the most likely token always stays.
    `params.temperature` must be above 0.
    """
    probs = torch.softmax(logits.float() / params.temperature, dim=-1)
    if 0 < params.top_k < probs.shape[-1]:
        threshold = probs.topk(params.top_k, dim=-1).values[:, -1:]
        probs = _keep(probs, probs >= threshold)
    if params.top_p < 1.0:
        probs = _keep(probs, probs >= _nucleus_threshold(probs, params.top_p))
    if params.min_p > 0.0:
        probs = _keep(probs, probs >= params.min_p * probs.amax(dim=-1, keepdim=True))
    return probs


def invert_cdf(probs: Tensor, uniforms: Tensor) -> Tensor:
    """The first token whose running sum exceeds `uniform * total`, for each row of `[B, V]`."""
    num_rows, num_tokens = probs.shape
    num_blocks = -(-num_tokens // TOKENS_PER_BLOCK)
    missing = num_blocks * TOKENS_PER_BLOCK - num_tokens
    padded = torch.nn.functional.pad(probs, (0, missing)) if missing else probs
    blocks = padded.view(num_rows, num_blocks, TOKENS_PER_BLOCK)
    block_sums = blocks.sum(-1).cumsum(-1)
    target = uniforms[:, None] * block_sums[:, -1:]
    block = torch.searchsorted(block_sums, target, right=True).clamp_(max=num_blocks - 1)
    before = torch.where(block > 0, block_sums.gather(1, (block - 1).clamp_(min=0)), 0.0)
    chosen = blocks.gather(1, block[:, :, None].expand(-1, 1, TOKENS_PER_BLOCK))[:, 0]
    running = chosen.cumsum(-1)
    # Two orders of summation round differently: stay below the block's own sum, so that the token
    # found has a probability above 0.
    rest = torch.minimum(target - before, running[:, -1:] * (1.0 - 2.0**-23))
    inside = torch.searchsorted(running, rest, right=True).clamp_(max=TOKENS_PER_BLOCK - 1)
    return (block * TOKENS_PER_BLOCK + inside)[:, 0]


def _greedy(logits: Tensor) -> Draw:
    token_ids = logits.argmax(dim=-1)
    logp = _model_logp(logits, token_ids)
    return Draw(token_ids, logp, torch.zeros_like(logp))


def _model_logp(logits: Tensor, token_ids: Tensor) -> Tensor:
    chosen = logits.gather(1, token_ids[:, None])[:, 0]
    return chosen - torch.logsumexp(logits, dim=-1)


def _filters(params: SamplingParams) -> bool:
    return params.top_k > 0 or params.top_p < 1.0 or params.min_p > 0.0


def _keep(probs: Tensor, kept: Tensor) -> Tensor:
    probs = torch.where(kept, probs, 0.0)
    return probs / probs.sum(dim=-1, keepdim=True)


def _nucleus_threshold(probs: Tensor, top_p: float) -> Tensor:
    """The probability of the last token that the nucleus needs; ties with it stay in.

    A full sort is the slow part, so the most likely tokens are tried first.
    """
    num_tokens = probs.shape[-1]
    ordered = probs.topk(min(_NUM_CANDIDATES, num_tokens), dim=-1).values
    if ordered.shape[-1] < num_tokens and bool((ordered.sum(-1) < top_p).any()):
        ordered = probs.sort(dim=-1, descending=True).values
    before = ordered.cumsum(-1) - ordered
    in_nucleus = before < top_p
    last = in_nucleus.sum(-1, keepdim=True).clamp_(min=1) - 1
    return ordered.gather(1, last)
