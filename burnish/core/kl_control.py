"""The weight of the KL penalty, where it is steered towards a wanted KL."""

from __future__ import annotations

_MOST = 0.2


def adapted_kl_coef(coef: float, kl: float, *, target: float, gain: float) -> float:
    """The weight for the next step.

        e = clip(kl / target - 1, -0.2, 0.2);    coef (1 + gain e)

    The controller of Ziegler et al. 2019 (arXiv:1909.08593, section 2.2), whose gain is 0.1.

    Args:
        coef: beta of the step just done.
        kl: measured in that step, in nats a sequence.
        target: wanted KL, more than 0.
        gain: K_beta.
    """
    error = min(_MOST, max(-_MOST, kl / target - 1.0))
    return coef * (1.0 + gain * error)
