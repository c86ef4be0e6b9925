import math

import pytest
import torch

from burnish.core.masking import sequence_mean
from burnish.core.policy_losses import clip_fraction, clipped_surrogate, is_clipped, reinforce

CLIPS = {"clip_low": 0.1, "clip_high": 0.3}  # ratios are kept in [0.9, 1.3]
OLD_LOGP = torch.full((1, 6), -2.0)
RATIO = torch.tensor([[0.5, 1.1, 2.0, 0.5, 1.1, 2.0]])
LOGP = OLD_LOGP + RATIO.log()
ADVANTAGE = torch.tensor([[3.0, 3.0, 3.0, -5.0, -5.0, -5.0]])


def test_surrogate_takes_the_pessimistic_side():
    loss = clipped_surrogate(LOGP, OLD_LOGP, ADVANTAGE, **CLIPS)
    expected = [[-0.5 * 3, -1.1 * 3, -1.3 * 3, 0.9 * 5, 1.1 * 5, 2.0 * 5]]
    torch.testing.assert_close(loss, torch.tensor(expected))


def test_gradient_is_that_of_the_ratio_inside_and_zero_past_the_clip():
    logp = LOGP.clone().requires_grad_()
    clipped_surrogate(logp, OLD_LOGP, ADVANTAGE, **CLIPS).sum().backward()
    expected = [[-0.5 * 3, -1.1 * 3, 0.0, 0.0, 1.1 * 5, 2.0 * 5]]
    torch.testing.assert_close(logp.grad, torch.tensor(expected))


def test_on_policy_gradient_is_reinforce():
    logp, same = OLD_LOGP.clone().requires_grad_(), OLD_LOGP.clone().requires_grad_()
    clipped_surrogate(logp, OLD_LOGP, ADVANTAGE, **CLIPS).sum().backward()
    reinforce(same, ADVANTAGE).sum().backward()
    torch.testing.assert_close(logp.grad, -ADVANTAGE)
    torch.testing.assert_close(same.grad, -ADVANTAGE)


def test_first_pass_has_loss_minus_mean_advantage_and_clips_nothing():
    mask = torch.tensor([[True, True, False, True, False, False]])
    loss = clipped_surrogate(OLD_LOGP, OLD_LOGP, ADVANTAGE, **CLIPS)
    assert sequence_mean(loss, mask, num_sequences=1).item() == pytest.approx(-(3 + 3 - 5) / 3)
    assert not is_clipped(OLD_LOGP, OLD_LOGP, ADVANTAGE, **CLIPS).any()


def test_old_policy_and_advantage_are_constants():
    old_logp, advantage = OLD_LOGP.clone().requires_grad_(), ADVANTAGE.clone().requires_grad_()
    logp = LOGP.clone().requires_grad_()
    loss = clipped_surrogate(logp, old_logp, advantage, **CLIPS) + reinforce(logp, advantage)
    loss.sum().backward()
    assert old_logp.grad is None
    assert advantage.grad is None


def test_surrogate_agrees_with_finite_differences():
    logp = LOGP.double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: clipped_surrogate(x, OLD_LOGP.double(), ADVANTAGE.double(), **CLIPS), logp
    )


def test_reinforce_by_hand():
    loss = reinforce(torch.tensor([[-0.5, -2.0]]), torch.tensor([[3.0, -1.0]]))
    assert loss.tolist() == [[1.5, -2.0]]


def test_a_token_is_clipped_exactly_where_its_gradient_vanishes():
    clipped = is_clipped(LOGP, OLD_LOGP, ADVANTAGE, **CLIPS)
    assert clipped.tolist() == [[False, False, True, True, False, False]]


def test_each_bound_belongs_to_its_side():
    between = OLD_LOGP + math.log(0.8)  # below 1 - 0.1, but not below 1 - 0.3
    assert is_clipped(between, OLD_LOGP, -torch.ones(1, 6), **CLIPS).all()
    above = OLD_LOGP + math.log(1.2)  # above 1 + 0.1, but not above 1 + 0.3
    assert not is_clipped(above, OLD_LOGP, torch.ones(1, 6), **CLIPS).any()


def test_clip_fraction_counts_on_the_mask_and_divides_by_the_global_count():
    mask = torch.tensor([[True, True, False, True, True, True]])
    fraction = clip_fraction(LOGP, OLD_LOGP, ADVANTAGE, mask, num_tokens=8, **CLIPS)
    assert fraction.item() == 1 / 8
