"""Before the first update policy and reference are one: KL 0, ratio 1, nothing clipped."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from burnish.core.policy_losses import clip_fraction
from burnish.models.policy import Policy
from burnish.run.doctor.check import Check, Finding, judged
from burnish.training.experience import Experience
from burnish.training.preference_loss import PairLogps

REFERENCE = "policy and reference start as one"
_LIMITS = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
_PAIR_LIMITS = {torch.float32: 1e-2, torch.bfloat16: 2.0}
"""Of sums over the tokens of an answer."""


def check_reference(
    experiences: Sequence[Experience], policy: Policy, *, clip_low: float, clip_high: float
) -> Check:
    """The KL of gathered experience, and ratio and clipping of a first pass over it."""
    kl, ratio, clipped = _at_step_zero(experiences, policy, clip_low=clip_low, clip_high=clip_high)
    numbers = {"kl": kl, "ratio": ratio, "clip fraction": clipped}
    limit = _LIMITS[policy.compute_dtype]
    if kl <= limit and abs(ratio - 1.0) <= limit and clipped == 0.0:
        seen = f"KL {kl:.1e}, ratio {ratio:.4f}, clipped {clipped:.0%}"
        return judged(REFERENCE, None, seen=seen, numbers=numbers)
    found = Finding(
        f"before any update the KL is {kl:.4g} (not 0), the ratio strays to {ratio:.4g} (not 1) and"
        f" {clipped:.0%} of the tokens are clipped: the reference is another model than the policy,"
        " or a pass is not repeated exactly (dropout).",
        "Load both from one folder, in one dtype, without dropout.",
    )
    return judged(REFERENCE, found, seen="", numbers=numbers, stops_training=True)


@torch.no_grad()
def check_pairs_reference(logps: PairLogps, policy: Policy) -> Check:
    """Before the first update log pi - log pi_ref is 0 for every answer of a pair."""
    furthest = max(ratio.abs().max().item() for ratio in logps.log_ratios)
    numbers = {"log ratio": furthest}
    if furthest <= _PAIR_LIMITS[policy.compute_dtype]:
        return judged(REFERENCE, None, seen=f"log ratios {furthest:.1e} at most", numbers=numbers)
    found = Finding(
        f"before any update an answer's log-probability differs by {furthest:.4g} nats from the "
        "reference's: rewards of pairs would begin with a lean that nothing was learnt for",
        "Compute both with one model, in one dtype, without dropout.",
    )
    return judged(REFERENCE, found, seen="", numbers=numbers, stops_training=True)


@torch.no_grad()
def _at_step_zero(
    experiences: Sequence[Experience], policy: Policy, *, clip_low: float, clip_high: float
) -> tuple[float, float, float]:
    """Largest |log pi_old - log pi_ref| of a token, the ratio furthest from 1, the share clipped.

    Advantages of 1 and of -1 are both tried, so that either clip can be met.
    """
    num_tokens = sum(e.batch.num_actions for e in experiences)
    kl, furthest, clipped = 0.0, 1.0, 0.0
    for e in experiences:
        mask = e.batch.action_mask
        logp, _ = policy.action_logps(policy.hidden_states(e.batch), e.batch)
        kl = max(kl, (e.old_logp - e.ref_logp)[mask].abs().max().item())
        ratios = (logp - e.old_logp)[mask].exp().tolist()
        furthest = max([furthest, *ratios], key=lambda ratio: abs(ratio - 1.0))
        for sign in (1.0, -1.0):
            clipped += clip_fraction(
                logp,
                e.old_logp,
                torch.full_like(logp, sign),
                mask,
                clip_low=clip_low,
                clip_high=clip_high,
                num_tokens=num_tokens,
            ).item()
    return kl, furthest, clipped
