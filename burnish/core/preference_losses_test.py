import math

import torch

from burnish.core.preference_losses import dpo_loss, reward_margin

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
