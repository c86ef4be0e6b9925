from __future__ import annotations

import math

import pytest
import torch

from burnish.core.step_losses import step_binary_loss, step_squared_error


def test_squared_error_by_hand():
    found = step_squared_error(torch.tensor([0.9, 0.2]), torch.tensor([0.4, 0.5]))
    torch.testing.assert_close(found, torch.tensor([0.25, 0.09]))


def test_binary_loss_by_hand_for_hard_and_soft_labels():
    logit = math.log(3.0)  # V = 3/4
    found = step_binary_loss(torch.tensor([logit] * 3), torch.tensor([1.0, 0.0, 0.25]))
    right, wrong = -math.log(0.75), -math.log(0.25)
    torch.testing.assert_close(
        found, torch.tensor([right, wrong, 0.25 * right + 0.75 * wrong]), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_an_undecided_score_costs_log_two(target):
    found = step_binary_loss(torch.zeros(1), torch.tensor([target]))
    assert found.item() == pytest.approx(math.log(2))


def test_the_gradient_of_the_binary_loss_is_value_less_label():
    logits = torch.tensor([0.5, -1.0], requires_grad=True)
    targets = torch.tensor([0.2, 0.9], requires_grad=True)
    step_binary_loss(logits, targets).sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, logits.detach().sigmoid() - targets.detach())
    assert targets.grad is None


def test_the_labels_of_the_squared_error_are_constants():
    predictions = torch.tensor([0.5], requires_grad=True)
    targets = torch.tensor([0.2], requires_grad=True)
    step_squared_error(predictions, targets).sum().backward()
    assert predictions.grad is not None
    assert predictions.grad.item() == pytest.approx(0.6)
    assert targets.grad is None
