"""Losses of models that judge a finished answer, one value per example, to be minimised."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


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
