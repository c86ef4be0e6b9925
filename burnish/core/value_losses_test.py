import pytest
import torch

from burnish.core.value_losses import clipped_value_loss, explained_variance

NAN = float("nan")
# V_old is 1 and the clip 0.2: V is inside, past the clip towards R, past the clip away from R.
VALUES = torch.tensor([[1.1, 1.5, 0.5]])
OLD_VALUES = torch.ones(1, 3)
RETURNS = torch.tensor([[2.0, 2.0, 2.0]])


def test_value_loss_is_the_larger_half_square():
    loss = clipped_value_loss(VALUES, OLD_VALUES, RETURNS, clip=0.2)
    expected = [[0.5 * 0.9**2, 0.5 * 0.8**2, 0.5 * 1.5**2]]
    torch.testing.assert_close(loss, torch.tensor(expected))


def test_value_gradient_vanishes_past_the_clip_towards_the_return():
    values = VALUES.clone().requires_grad_()
    clipped_value_loss(values, OLD_VALUES, RETURNS, clip=0.2).sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([[1.1 - 2.0, 0.0, 0.5 - 2.0]]))


def test_value_loss_without_a_move_is_half_the_squared_error():
    loss = clipped_value_loss(OLD_VALUES, OLD_VALUES, torch.tensor([[3.0, 1.0, 0.0]]), clip=0.2)
    assert loss.tolist() == [[2.0, 0.0, 0.5]]


def test_old_values_and_returns_are_constants():
    old_values, returns = OLD_VALUES.clone().requires_grad_(), RETURNS.clone().requires_grad_()
    values = VALUES.clone().requires_grad_()
    clipped_value_loss(values, old_values, returns, clip=0.2).sum().backward()
    assert old_values.grad is None
    assert returns.grad is None


def test_explained_variance_by_hand():
    mask = torch.tensor([[True, True, True, False]])
    returns, values = torch.tensor([[0.0, 3.0, 6.0, NAN]]), torch.tensor([[1.0, 2.0, 6.0, NAN]])
    residual_variance = (1 + 1 + 0) / 3  # of -1, 1, 0 around their mean 0
    assert explained_variance(values, returns, mask).item() == pytest.approx(
        1 - residual_variance / 6
    )


def test_explained_variance_is_one_for_the_truth_and_zero_for_any_constant():
    returns = torch.tensor([[0.0, 3.0, 6.0]])
    mask = torch.ones_like(returns, dtype=torch.bool)
    assert explained_variance(returns, returns, mask).item() == 1.0
    assert explained_variance(torch.full_like(returns, 9.0), returns, mask).item() == 0.0


def test_explained_variance_of_equal_returns_is_zero():
    returns = torch.ones(1, 3)
    mask = torch.ones_like(returns, dtype=torch.bool)
    assert explained_variance(torch.tensor([[0.0, 1.0, 2.0]]), returns, mask).item() == 0.0
