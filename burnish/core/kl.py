"""Per-token estimates of KL(policy || reference) from sampled tokens alone.

With d_t = logp_t - ref_logp_t on tokens drawn from the policy; after Schulman's note "Approximating
KL Divergence" (2020, joschu.net/blog/kl-approx.html). k1 and k3 are unbiased, k1 may be negative
on a sample and k3 never is; k2 is biased but small in variance. In nats. `ref_logp` is constant.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def k1(logp: Float[Tensor, "B T"], ref_logp: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """d_t. Its sum over a sequence is the log-ratio of the whole sequence."""
    return logp - ref_logp.detach()


def k2(logp: Float[Tensor, "B T"], ref_logp: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """d_t^2 / 2. Its gradient is an unbiased estimate of the gradient of the KL."""
    return 0.5 * (logp - ref_logp.detach()).square()


def k3(logp: Float[Tensor, "B T"], ref_logp: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """exp(-d_t) - 1 + d_t, never negative. GRPO's penalty (arXiv:2402.03300, equation 4)."""
    log_ratio = ref_logp.detach() - logp
    return torch.expm1(log_ratio) - log_ratio


def weighted_k3(
    logp: Float[Tensor, "B T"], ref_logp: Float[Tensor, "B T"], old_logp: Float[Tensor, "B T"]
) -> Float[Tensor, "B T"]:
    """k3 by the ratio to the policy that sampled: exp(logp_t - old_logp_t) (exp(-d_t) - 1 + d_t).

    The gradient also flows through the ratio, and so is that of the KL (DeepSeek-V3.2,
    arXiv:2512.02556); that of k3 alone is not, even on policy. `old_logp` is constant.
    """
    return torch.exp(logp - old_logp.detach()) * k3(logp, ref_logp)
