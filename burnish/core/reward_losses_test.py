import math

import torch

from burnish.core.reward_losses import binary_loss, correct_probability, two_class_loss

LOGITS = torch.tensor([[1.0, 3.0], [1.0, 3.0], [0.5, -0.5]])  # correct less wrong: 2, 2, -1
IS_CORRECT = torch.tensor([True, False, True])


def test_two_class_loss_by_hand():
    expected = torch.tensor([math.log1p(math.exp(-2)), math.log1p(math.exp(2)), math.log1p(math.e)])
    torch.testing.assert_close(two_class_loss(LOGITS, IS_CORRECT), expected)


def test_binary_loss_is_the_two_class_loss_of_the_difference():
    difference = LOGITS[:, 1] - LOGITS[:, 0]
    torch.testing.assert_close(
        binary_loss(difference, IS_CORRECT), two_class_loss(LOGITS, IS_CORRECT)
    )


def test_equal_logits_cost_log_two():
    expected = torch.full((3,), math.log(2))
    torch.testing.assert_close(two_class_loss(torch.full((3, 2), 4.0), IS_CORRECT), expected)
    torch.testing.assert_close(binary_loss(torch.zeros(3), IS_CORRECT), expected)


def test_gradient_is_probability_less_label():
    logits = LOGITS.clone().requires_grad_()
    two_class_loss(logits, IS_CORRECT).sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad[:, 1], correct_probability(LOGITS) - IS_CORRECT.float())


def test_extreme_scores_stay_finite():
    loss = binary_loss(torch.tensor([1000.0, 1000.0]), torch.tensor([True, False]))
    assert loss.tolist() == [0.0, 1000.0]


def test_bfloat16_logits_are_judged_in_float32():
    assert two_class_loss(LOGITS.bfloat16(), IS_CORRECT).dtype == torch.float32
    assert binary_loss(LOGITS[:, 0].bfloat16(), IS_CORRECT).dtype == torch.float32


def test_correct_probability_by_hand():
    expected = torch.tensor([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-2)), 1 / (1 + math.e)])
    torch.testing.assert_close(correct_probability(LOGITS), expected)
