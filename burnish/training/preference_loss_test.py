from __future__ import annotations

import math

import pytest
import torch
from pydantic import TypeAdapter

from burnish.training.preference_loss import AnyPreferenceLoss, PairLogps, PreferenceLoss

LOGPS = PairLogps(
    chosen=torch.tensor([-2.0]),
    rejected=torch.tensor([-6.0]),
    ref_chosen=torch.tensor([-5.0]),
    ref_rejected=torch.tensor([-8.0]),
    chosen_length=torch.tensor([4.0]),
    rejected_length=torch.tensor([5.0]),
    kl=1.5,
)
"""rho is 3 and 2, h is 1, z is 1.5; means over tokens are -0.5 and -1.2, of rho 0.75 and 0.4."""


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def log_odds(logp: float) -> float:
    return logp - math.log(1 - math.exp(logp))


def loss_of(tree: dict) -> PreferenceLoss:
    return TypeAdapter(AnyPreferenceLoss).validate_python(tree)


@pytest.mark.parametrize(
    ("tree", "expected", "rewards"),
    [
        ({"type": "dpo", "beta": 0.3}, -log_sigmoid(0.3), (0.9, 0.6)),
        (
            {"type": "conservative", "beta": 0.3, "flip": 0.2},
            -0.8 * log_sigmoid(0.3) - 0.2 * log_sigmoid(-0.3),
            (0.9, 0.6),
        ),
        (
            {"type": "robust", "beta": 0.3, "flip": 0.2},
            (-0.8 * log_sigmoid(0.3) + 0.2 * log_sigmoid(-0.3)) / 0.6,
            (0.9, 0.6),
        ),
        ({"type": "ipo", "tau": 0.2}, (0.35 - 2.5) ** 2, (0.15, 0.08)),
        ({"type": "ipo", "tau": 0.2, "over": "sum"}, (1 - 2.5) ** 2, (0.6, 0.4)),
        (
            {"type": "kto", "beta": 0.3, "desirable_weight": 1.2, "undesirable_weight": 0.7},
            0.6 * (1 - sigmoid(0.3 * 1.5)) + 0.35 * (1 - sigmoid(-0.3 * 0.5)),
            (0.9, 0.6),
        ),
        ({"type": "hinge", "beta": 0.3}, 0.7, (0.9, 0.6)),
        ({"type": "rpo", "beta": 0.3, "alpha": 2.0}, -log_sigmoid(0.3) + 2.0 * 0.5, (0.9, 0.6)),
        (
            {"type": "simpo", "beta": 2.0, "gamma": 0.5},
            -log_sigmoid(2.0 * 0.7 - 0.5),
            (-1.0, -2.4),
        ),
        (
            {"type": "orpo", "odds_coef": 0.2},
            0.5 - 0.2 * log_sigmoid(log_odds(-0.5) - log_odds(-1.2)),
            (-0.1, -0.24),
        ),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)
def test_loss_and_rewards_by_hand(tree, expected, rewards):
    loss = loss_of(tree)
    assert loss.per_pair(LOGPS).item() == pytest.approx(expected, rel=1e-5)
    found = tuple(reward.item() for reward in loss.rewards(LOGPS))
    assert found == pytest.approx(rewards, rel=1e-5)


def test_swapped_is_the_other_answer_chosen():
    swapped = LOGPS.swapped
    assert swapped.margin.item() == -LOGPS.margin.item() == -1.0
    assert tuple(mean.item() for mean in swapped.mean_logps) == pytest.approx((-1.2, -0.5))
    assert swapped.swapped == LOGPS
