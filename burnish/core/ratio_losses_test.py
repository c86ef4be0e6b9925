import math

import torch

from burnish.core.policy_losses import clipped_surrogate
from burnish.core.ratio_losses import (
    capped_reinforce,
    gamma_weighted_reinforce,
    sequence_clipped_surrogate,
    sequence_log_ratio,
    soft_gated_surrogate,
)

NAN = float("nan")
OLD_LOGP = torch.tensor([[-2.0, -1.0, -3.0], [-1.0, -2.0, -1.0]])
GAP = torch.tensor([[0.4, -0.1, 0.0], [-0.3, -0.7, 0.0]])
LOGP = OLD_LOGP + GAP
ADVANTAGE = torch.tensor([[3.0, 3.0, 3.0], [-5.0, -5.0, -5.0]])
MASK = torch.tensor([[True, True, False], [True, True, False]])
CLIPS = {"clip_low": 0.2, "clip_high": 0.1}
GATES = {"gate_positive": 1.5, "gate_negative": 2.0}
BUMP = {"shape": (2.0, 3.0), "rate": (3.0, 2.0)}


def all_losses(logp, old_logp, advantage, mask=MASK):
    return [
        sequence_clipped_surrogate(logp, old_logp, advantage, mask, **CLIPS),
        capped_reinforce(logp, old_logp, advantage, max_ratio=1.2),
        soft_gated_surrogate(logp, old_logp, advantage, **GATES),
        gamma_weighted_reinforce(logp, old_logp, advantage, mask, **BUMP),
    ]


def test_sequence_ratio_is_the_geometric_mean_over_actions_alone():
    noisy = torch.where(MASK, LOGP, NAN)
    expected = torch.tensor([[0.15], [-0.5]])
    torch.testing.assert_close(sequence_log_ratio(noisy, OLD_LOGP, MASK), expected)
    nothing = torch.zeros_like(MASK)
    assert sequence_log_ratio(LOGP, OLD_LOGP, nothing).tolist() == [[0.0], [0.0]]


def test_sequence_surrogate_takes_the_pessimistic_side_of_one_ratio():
    found = sequence_clipped_surrogate(LOGP, OLD_LOGP, ADVANTAGE, MASK, **CLIPS)
    # exp(0.15) is past 1.1 where that is good, exp(-0.5) below 0.8 where that is good
    expected = torch.tensor([[-1.1 * 3.0] * 3, [0.8 * 5.0] * 3])
    torch.testing.assert_close(found, expected)
    against = sequence_clipped_surrogate(LOGP, OLD_LOGP, -ADVANTAGE, MASK, **CLIPS)
    expected = torch.tensor([[math.exp(0.15) * 3.0] * 3, [-math.exp(-0.5) * 5.0] * 3])
    torch.testing.assert_close(against, expected)


def test_sequence_surrogate_of_one_action_is_ppos():
    one = torch.tensor([[True, False, False], [True, False, False]])
    found = sequence_clipped_surrogate(LOGP, OLD_LOGP, ADVANTAGE, one, **CLIPS)
    expected = clipped_surrogate(LOGP, OLD_LOGP, ADVANTAGE, **CLIPS)
    torch.testing.assert_close(found[:, 0], expected[:, 0])


def test_sequence_gradient_is_shared_by_the_actions():
    logp = LOGP.clone().requires_grad_()
    loss = sequence_clipped_surrogate(logp, OLD_LOGP, -ADVANTAGE, MASK, **CLIPS)
    loss[:, 0].sum().backward()
    first, second = math.exp(0.15) * 3.0 / 2, -math.exp(-0.5) * 5.0 / 2
    expected = torch.tensor([[first, first, 0.0], [second, second, 0.0]])
    torch.testing.assert_close(logp.grad, expected)


def test_cap_bounds_the_weight_and_leaves_the_gradient():
    logp = LOGP.clone().requires_grad_()
    loss = capped_reinforce(logp, OLD_LOGP, ADVANTAGE, max_ratio=1.2)
    loss.sum().backward()
    weights = torch.tensor(
        [[1.2, math.exp(-0.1), 1.0], [math.exp(-0.3), math.exp(-0.7), 1.0]]  # exp(0.4) is past 1.2
    )
    torch.testing.assert_close(loss, -weights * ADVANTAGE * LOGP)
    torch.testing.assert_close(logp.grad, -weights * ADVANTAGE)


def test_gate_by_hand_has_a_width_for_each_sign_of_the_advantage():
    found = soft_gated_surrogate(LOGP, OLD_LOGP, ADVANTAGE, **GATES)
    ratio = math.exp(0.4)
    above = -3.0 * 4.0 / 1.5 / (1.0 + math.exp(-1.5 * (ratio - 1.0)))
    ratio = math.exp(-0.3)
    below = 5.0 * 4.0 / 2.0 / (1.0 + math.exp(-2.0 * (ratio - 1.0)))
    torch.testing.assert_close(found[:, 0], torch.tensor([above, below]))


def test_bump_by_hand_is_of_the_whole_sequence():
    found = gamma_weighted_reinforce(LOGP, OLD_LOGP, ADVANTAGE, MASK, **BUMP)
    first = math.exp(2.0 * 0.3 + 3.0 * (1.0 - math.exp(0.3)))  # k 2, lambda 3, log w 0.3
    second = math.exp(3.0 * -1.0 + 2.0 * (1.0 - math.exp(-1.0)))  # k 3, lambda 2, log w -1
    weights = torch.tensor([[first], [second]])
    torch.testing.assert_close(found, -weights * ADVANTAGE * LOGP)


def test_ratios_out_of_range_leave_a_number():
    far = OLD_LOGP + 40.0
    for loss in (far, OLD_LOGP - 40.0):
        found = gamma_weighted_reinforce(loss, OLD_LOGP, ADVANTAGE, MASK, **BUMP)
        assert found.isfinite().all()


def test_gradient_at_ratio_one_is_that_of_reinforce():
    for index in range(4):
        logp = OLD_LOGP.clone().requires_grad_()
        all_losses(logp, OLD_LOGP, ADVANTAGE)[index][MASK].sum().backward()
        torch.testing.assert_close(logp.grad, torch.where(MASK, -ADVANTAGE, 0.0))


def test_old_policy_and_advantage_are_constants():
    old_logp, advantage = OLD_LOGP.clone().requires_grad_(), ADVANTAGE.clone().requires_grad_()
    logp = LOGP.clone().requires_grad_()
    torch.stack([loss.sum() for loss in all_losses(logp, old_logp, advantage)]).sum().backward()
    assert logp.grad is not None
    assert old_logp.grad is None
    assert advantage.grad is None


def test_padding_changes_nothing():
    logp, old_logp, advantage = (
        torch.nn.functional.pad(x, (0, 2), value=9.0) for x in (LOGP, OLD_LOGP, ADVANTAGE)
    )
    mask = torch.nn.functional.pad(MASK, (0, 2), value=False)
    for loss, padded in zip(
        all_losses(LOGP, OLD_LOGP, ADVANTAGE),
        all_losses(logp, old_logp, advantage, mask),
        strict=True,
    ):
        torch.testing.assert_close(padded[mask], loss[MASK])
