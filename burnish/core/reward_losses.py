"""Losses of models that judge a finished answer, one value per example, to be minimised.

By kind of feedback: right or wrong (`two_class_loss`, `binary_loss`), comparisons
(`bradley_terry_loss`, `tie_loss`, `centring_penalty`), ratings on a scale (`ordinal_loss`), several
attributes (`masked_squared_error`), and one reward out of several (`mixture`).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

_FAR = 1e4
"""A logit whose probability is 1 in any precision; finite, so that gradients are."""


def two_class_loss(
    logits: Float[Tensor, "B 2"], is_correct: Bool[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """Cross-entropy of a classifier with the classes wrong (0) and correct (1).

        L = -log softmax(logits)[is_correct]

    ReFT's reranker (arXiv:2401.08967, released code: two labels read at the last token). Log 2
    at equal logits.
    """
    return functional.cross_entropy(logits.float(), is_correct.long(), reduction="none")


def binary_loss(logit: Float[Tensor, "B"], is_correct: Bool[Tensor, "B"]) -> Float[Tensor, "B"]:
    """Binary cross-entropy of one score: L = -log sigmoid(logit) if correct, else of -logit.

    The outcome reward model of Cobbe et al. 2021 (arXiv:2110.14168); equals `two_class_loss` with
    logit = logits[:, 1] - logits[:, 0].
    """
    sign = is_correct.float() * 2.0 - 1.0
    return -functional.logsigmoid(sign * logit)


def correct_probability(logits: Float[Tensor, "B 2"]) -> Float[Tensor, "B"]:
    """P(correct) of the two-class classifier: what a reranker sorts by."""
    return logits.float().softmax(dim=1)[:, 1]


def bradley_terry_loss(
    chosen: Float[Tensor, "B"],
    rejected: Float[Tensor, "B"],
    *,
    probability: Float[Tensor, "B"],
    margin: Float[Tensor, "B"],
) -> Float[Tensor, "B"]:
    """Cross-entropy of a comparison with a (soft) label, per pair.

        d = r_w - r_l,    L = -p log sigmoid(d - m) - (1 - p) log sigmoid(-d - m)

    Bradley and Terry 1952; p = 1 and m = 0 is InstructGPT's (arXiv:2203.02155), soft labels p are
    RLAIF's (arXiv:2309.00267), the margin m by strength of preference is Llama 2's
    (arXiv:2307.09288). Log 2 at equal scores without a margin; at p = 1/2 that is the minimum.

    Args:
        chosen: score r_w of the answer that is said to be better.
        rejected: score r_l of the other one.
        probability: p, that it is better. Constant.
        margin: m, by how much the scores are to differ; 0 asks for none. Constant.
    """
    difference = chosen - rejected
    agree = functional.logsigmoid(difference - margin)
    differ = functional.logsigmoid(-difference - margin)
    return -probability * agree - (1.0 - probability) * differ


def tie_loss(
    first: Float[Tensor, "B"], second: Float[Tensor, "B"], width: Float[Tensor, ""]
) -> Float[Tensor, "B"]:
    """-log P(tie) where scores closer than about `width` are not told apart, per pair.

        P(tie) = sigmoid(w - d) - sigmoid(-w - d),    d = r_1 - r_2

    Rao and Kupper 1967, in logits. What is left, P(first wins) = sigmoid(d - w), is
    `bradley_terry_loss` with the width as margin; the three add up to 1.

    Args:
        first, second: scores; the loss is symmetric in them and smallest where they are equal.
        width: w > 0.
    """
    difference = first - second
    return -log_sigmoid_difference(width - difference, -width - difference)


def centring_penalty(
    chosen: Float[Tensor, "B"], rejected: Float[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """(r_w + r_l)^2: keeps scores around 0, which comparisons alone leave open.

    Eisenstein et al. 2023 (arXiv:2312.09244), weighted by eta = 0.01 there.
    """
    return (chosen + rejected).square()


def ordinal_loss(
    score: Float[Tensor, "B"], thresholds: Float[Tensor, "B J"], rating: Int[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """-log P(rating), by the cumulative logit model of McCullagh 1980, per rating.

        P(s <= j) = sigmoid(theta_j - r),    P(s = j) = P(s <= j) - P(s <= j - 1)

    Args:
        score: r of the answer.
        thresholds: theta_0 < ... < theta_(J-1) between J + 1 grades, of each row's rater.
        rating: the grade s, from 0 to J.
    """
    low, high = _edges(score, thresholds)
    rows = torch.arange(score.shape[0], device=score.device)
    return -log_sigmoid_difference(high[rows, rating], low[rows, rating])


def rating_probabilities(
    score: Float[Tensor, "B"], thresholds: Float[Tensor, "B J"]
) -> Float[Tensor, "B S"]:
    """P(s = j) of each of the S = J + 1 grades, as in `ordinal_loss`."""
    low, high = _edges(score, thresholds)
    return high.sigmoid() - low.sigmoid()


def ordered_thresholds(raw: Float[Tensor, "J"]) -> Float[Tensor, "J"]:
    """Any numbers as rising ones: theta_0 = raw_0, theta_j = theta_(j-1) + softplus(raw_j)."""
    return torch.cat([raw[:1], functional.softplus(raw[1:])]).cumsum(0)


def masked_squared_error(
    scores: Float[Tensor, "B K"], targets: Float[Tensor, "B K"], is_known: Bool[Tensor, "B K"]
) -> Float[Tensor, "B K"]:
    """(r_k - v_k)^2 per attribute; 0, without a gradient, where v_k is missing (any number)."""
    error = torch.where(is_known, scores - targets, 0.0)
    return error.square()


def mixture(scores: Float[Tensor, "B K"], gate_logits: Float[Tensor, "B K"]) -> Float[Tensor, "B"]:
    """One reward out of K: R = sum_k softmax(g)_k r_k, the gate g a function of the prompt.

    ArmoRM (arXiv:2406.12845).
    """
    return (gate_logits.softmax(dim=1) * scores).sum(dim=1)


def log_sigmoid_difference(high: Float[Tensor, "B"], low: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """log(sigmoid(high) - sigmoid(low)), high > low, without cancellation far from 0.

    sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b))
    """
    gap = torch.log(-torch.expm1(low - high))
    return functional.logsigmoid(high) + functional.logsigmoid(-low) + gap


def _edges(
    score: Float[Tensor, "B"], thresholds: Float[Tensor, "B J"]
) -> tuple[Float[Tensor, "B S"], Float[Tensor, "B S"]]:
    """The logits below and above each grade; the outer ones are far enough off to be infinite."""
    inner = thresholds - score[:, None]
    end = torch.full_like(score, _FAR)[:, None]
    return torch.cat([-end, inner], dim=1), torch.cat([inner, end], dim=1)
