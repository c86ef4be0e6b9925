import math

import pytest
import torch

from burnish.core.preference_losses import (
    conservative_dpo_loss,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    odds_ratio_loss,
    reward_margin,
    robust_dpo_loss,
    simpo_loss,
)

CHOSEN, REJECTED = torch.tensor([-2.0, -7.0]), torch.tensor([-3.0, -5.0])
REF_CHOSEN, REF_REJECTED = torch.tensor([-4.0, -6.5]), torch.tensor([-3.5, -6.0])
MARGIN = torch.tensor([2.0 - 0.5, -0.5 - 1.0])
LOGPS = (CHOSEN, REJECTED, REF_CHOSEN, REF_REJECTED)


def test_margin_by_hand():
    torch.testing.assert_close(reward_margin(*LOGPS), MARGIN)


def test_dpo_by_hand():
    expected = [math.log1p(math.exp(-0.3 * 1.5)), math.log1p(math.exp(0.3 * 1.5))]
    torch.testing.assert_close(dpo_loss(*LOGPS, beta=0.3), torch.tensor(expected))


def test_at_the_reference_dpo_costs_log_two():
    loss = dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED, beta=0.3)
    torch.testing.assert_close(loss, torch.full((2,), math.log(2)))


def test_without_beta_dpo_costs_log_two():
    torch.testing.assert_close(dpo_loss(*LOGPS, beta=0.0), torch.full((2,), math.log(2)))


def test_gradient_raises_the_chosen_and_lowers_the_rejected_by_how_wrong_the_order_is():
    chosen, rejected = CHOSEN.clone().requires_grad_(), REJECTED.clone().requires_grad_()
    dpo_loss(chosen, rejected, REF_CHOSEN, REF_REJECTED, beta=0.3).sum().backward()
    wrongness = 0.3 * torch.sigmoid(-0.3 * MARGIN)
    torch.testing.assert_close(chosen.grad, -wrongness)
    torch.testing.assert_close(rejected.grad, wrongness)


def test_the_reference_is_a_constant():
    logps = [logp.clone().requires_grad_() for logp in LOGPS]
    dpo_loss(*logps, beta=0.3).sum().backward()
    assert [logp.grad is None for logp in logps] == [False, False, True, True]


def test_hopeless_pairs_stay_finite():
    zero = torch.zeros(1)
    assert dpo_loss(torch.full((1,), -2000.0), zero, zero, zero, beta=1.0).tolist() == [2000.0]


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def test_conservative_dpo_by_hand():
    found = conservative_dpo_loss(MARGIN, beta=0.3, flip=0.2)
    expected = [
        -0.8 * math.log(sigmoid(0.45)) - 0.2 * math.log(sigmoid(-0.45)),
        -0.8 * math.log(sigmoid(-0.45)) - 0.2 * math.log(sigmoid(0.45)),
    ]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_conservative_dpo_is_lowest_where_the_odds_are_those_of_the_labels():
    goal = math.log(0.8 / 0.2) / 0.3
    margin = torch.tensor([goal - 0.1, goal, goal + 0.1], requires_grad=True)
    loss = conservative_dpo_loss(margin, beta=0.3, flip=0.2)
    loss.sum().backward()
    assert margin.grad is not None
    assert margin.grad[0] < 0 < margin.grad[2]
    assert abs(margin.grad[1].item()) < 1e-6


def test_robust_dpo_by_hand():
    found = robust_dpo_loss(MARGIN, beta=0.3, flip=0.2)
    expected = [
        (-0.8 * math.log(sigmoid(0.45)) + 0.2 * math.log(sigmoid(-0.45))) / 0.6,
        (-0.8 * math.log(sigmoid(-0.45)) + 0.2 * math.log(sigmoid(0.45))) / 0.6,
    ]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_robust_dpo_is_dpo_on_average_over_wrong_labels():
    right = robust_dpo_loss(MARGIN, beta=0.3, flip=0.2)
    wrong = robust_dpo_loss(-MARGIN, beta=0.3, flip=0.2)
    torch.testing.assert_close(0.8 * right + 0.2 * wrong, dpo_loss(*LOGPS, beta=0.3))


@pytest.mark.parametrize("loss", [conservative_dpo_loss, robust_dpo_loss])
def test_labels_that_are_never_wrong_are_dpo(loss):
    torch.testing.assert_close(loss(MARGIN, beta=0.3, flip=0.0), dpo_loss(*LOGPS, beta=0.3))


def test_ipo_by_hand_and_at_the_reference():
    found = ipo_loss(torch.tensor([1.5, -1.5, 0.0]), tau=0.25)
    torch.testing.assert_close(found, torch.tensor([0.25, 12.25, 1 / (4 * 0.25**2)]))


def test_hinge_by_hand_and_at_the_reference():
    found = hinge_loss(torch.tensor([1.5, -1.5, 0.0, 5.0]), beta=0.4)
    torch.testing.assert_close(found, torch.tensor([0.4, 1.6, 1.0, 0.0]))


def test_simpo_by_hand():
    found = simpo_loss(torch.tensor([-0.5]), torch.tensor([-0.8]), beta=2.0, gamma=0.7)
    torch.testing.assert_close(found, torch.tensor([-math.log(sigmoid(2.0 * 0.3 - 0.7))]))


def test_odds_ratio_by_hand():
    chosen, rejected = torch.tensor([math.log(0.8)]), torch.tensor([math.log(0.25)])
    expected = -math.log(sigmoid(math.log(4.0) - math.log(1 / 3)))
    torch.testing.assert_close(odds_ratio_loss(chosen, rejected), torch.tensor([expected]))


def test_equal_odds_cost_log_two_also_where_an_answer_is_nearly_impossible():
    logp = torch.tensor([-0.3, -60.0])
    torch.testing.assert_close(odds_ratio_loss(logp, logp), torch.full((2,), math.log(2)))


def test_kto_by_hand():
    found = kto_loss(
        torch.tensor([2.0, 2.0]),
        torch.tensor([True, False]),
        torch.tensor(0.5),
        beta=0.3,
        desirable_weight=1.2,
        undesirable_weight=0.7,
    )
    expected = [1.2 * (1 - sigmoid(0.3 * 1.5)), 0.7 * (1 - sigmoid(-0.3 * 1.5))]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_kto_costs_half_its_weight_at_the_reference_and_takes_no_gradient_of_the_kl():
    ratio, kl = torch.zeros(2, requires_grad=True), torch.zeros((), requires_grad=True)
    weights = {"desirable_weight": 1.2, "undesirable_weight": 0.6}
    loss = kto_loss(ratio, torch.tensor([True, False]), kl, beta=0.4, **weights)
    loss.sum().backward()
    torch.testing.assert_close(loss.detach(), torch.tensor([0.6, 0.3]))
    assert kl.grad is None
    torch.testing.assert_close(ratio.grad, torch.tensor([-1.2 * 0.4 / 4, 0.6 * 0.4 / 4]))
