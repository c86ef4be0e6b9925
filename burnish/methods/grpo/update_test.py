from __future__ import annotations

import math

import pytest
import torch

from burnish.methods.grpo.aggregation import (
    BatchSize,
    ConstantMean,
    SequenceMean,
    SequenceSum,
    TokenMean,
)
from burnish.methods.grpo.kl import KlInLoss, KlInReward
from burnish.methods.grpo.loss import (
    Capped,
    Clip,
    GammaWeight,
    Reinforce,
    SequenceClip,
    SoftGate,
)
from burnish.methods.grpo.update import group_loss
from burnish.models.token_batch import TokenBatch
from burnish.training.experience import Experience
from burnish.types import Score, StopReason, Trajectory

SIZE = BatchSize(num_sequences=4, num_actions=10, max_length=50)


def sample(num_actions: int) -> Trajectory:
    size = 1 + num_actions
    flags = (False,) + (True,) * num_actions
    blank = (0.0,) * size
    score = Score(1.0, True, None)
    return Trajectory("p", tuple(range(size)), flags, blank, blank, score, StopReason.EOS, "")


def experience(ratio: float) -> tuple[Experience, torch.Tensor]:
    """A sample of two actions with advantage 3 and one of one action with advantage -5."""
    rows = [sample(2), sample(1)]
    batch = TokenBatch.collate(rows)
    mask = batch.action_mask
    old_logp = torch.where(mask, -1.0, 0.0)
    advantage = torch.where(mask, torch.tensor([[3.0], [-5.0]]), 0.0)
    blank = torch.zeros(mask.shape)
    e = Experience(rows, batch, old_logp, old_logp - 0.5, blank, blank, blank, advantage, blank)
    e.ref_logp = torch.where(mask, e.ref_logp, 0.0)
    return e, torch.where(mask, old_logp + math.log(ratio), 0.0)


def loss_of(ratio: float = 1.0, **parts) -> tuple[float, dict[str, float]]:
    e, logp = experience(ratio)
    chosen = {"loss": Clip(), "aggregation": SequenceMean(), "kl": None} | parts
    value, metrics = group_loss(e, logp, size=SIZE, **chosen)
    return value.item(), metrics


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        (SequenceMean(), (-3.0 + 5.0) / 4),
        (TokenMean(), (-3.0 - 3.0 + 5.0) / 10),
        (ConstantMean(), (-3.0 - 3.0 + 5.0) / (4 * 50)),
        (SequenceSum(), (-3.0 - 3.0 + 5.0) / 4),
    ],
    ids=["sequence mean", "token mean", "constant", "sequence sum"],
)
def test_on_policy_loss_is_minus_the_mean_advantage(aggregation, expected):
    assert loss_of(aggregation=aggregation)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "first", "second"),
    [
        (Clip(clip_low=0.1, clip_high=0.3), -1.3 * 3, 1.5 * 5),
        (SequenceClip(clip_low=0.1, clip_high=0.2), -1.2 * 3, 1.5 * 5),
        (Capped(max_ratio=1.25), -1.25 * 3 * (math.log(1.5) - 1), 1.25 * 5 * (math.log(1.5) - 1)),
        (Reinforce(), -3 * (math.log(1.5) - 1), 5 * (math.log(1.5) - 1)),
        (
            SoftGate(gate_positive=1.0, gate_negative=2.0),
            -3 * 4 / (1 + math.exp(-0.5)),
            5 * 2 / (1 + math.exp(-1.0)),
        ),
        (
            GammaWeight(shape_positive=1, rate_positive=2, shape_negative=3, rate_negative=0.5),
            -3 * 1.5**2 * math.exp(2 * (1 - 1.5**2)) * (math.log(1.5) - 1),
            5 * 1.5**3 * math.exp(0.5 * (1 - 1.5)) * (math.log(1.5) - 1),
        ),
    ],
    ids=lambda value: "",
)
def test_losses_at_ratio_one_and_a_half_by_hand(loss, first, second):
    found, _ = loss_of(1.5, loss=loss)
    assert found == pytest.approx((first + second) / 4, rel=1e-5)


def test_kl_in_the_loss_is_added_at_every_action():
    """log pi - log pi_ref is 0.5 + log 1.1 there; the gradient flows through it."""
    gap = 0.5 + math.log(1.1)
    plain, _ = loss_of(1.1)
    k3, metrics = loss_of(1.1, kl=KlInLoss(coef=0.3, estimator="k3"))
    k2, _ = loss_of(1.1, kl=KlInLoss(coef=0.3, estimator="k2"))
    assert k3 - plain == pytest.approx(0.3 * 2 * (math.exp(-gap) - 1 + gap) / 4, rel=1e-4)
    assert k2 - plain == pytest.approx(0.3 * 2 * gap**2 / 2 / 4, rel=1e-4)
    weighted, _ = loss_of(1.1, kl=KlInLoss(coef=0.3, estimator="weighted_k3"))
    assert weighted - plain == pytest.approx(1.1 * (k3 - plain), rel=1e-4)
    assert metrics["ppo/policy_loss"] == pytest.approx(plain)


@pytest.mark.parametrize("kl", [None, KlInReward(coef=0.3), KlInLoss(coef=0.0)])
def test_kl_elsewhere_or_without_weight_adds_nothing(kl):
    assert loss_of(1.1, kl=kl)[0] == loss_of(1.1)[0]


@pytest.mark.parametrize(
    ("loss", "share"),
    [
        (Clip(clip_low=0.1, clip_high=0.3), 0.2),  # the two actions with a positive advantage
        (Clip(clip_low=0.1, clip_high=0.6), 0.0),
        (SequenceClip(clip_low=0.1, clip_high=0.3), 0.2),
        (Capped(max_ratio=1.25), 0.3),
        (Reinforce(), 0.0),
        (SoftGate(), 0.0),
        (GammaWeight(), 0.0),
    ],
    ids=lambda value: "",
)
def test_share_of_actions_that_the_loss_bounds(loss, share):
    _, metrics = loss_of(1.5, loss=loss)
    assert metrics["ppo/clip_fraction"] == pytest.approx(share)
