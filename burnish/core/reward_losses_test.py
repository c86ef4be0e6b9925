import math
from itertools import pairwise

import pytest
import torch

from burnish.core.reward_losses import (
    binary_loss,
    bradley_terry_loss,
    centring_penalty,
    correct_probability,
    masked_squared_error,
    mixture,
    ordered_thresholds,
    ordinal_loss,
    rating_probabilities,
    tie_loss,
    two_class_loss,
)

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


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def comparison(chosen, rejected, probability=1.0, margin=0.0):
    loss = bradley_terry_loss(
        torch.tensor([chosen]),
        torch.tensor([rejected]),
        probability=torch.tensor([probability]),
        margin=torch.tensor([margin]),
    )
    return loss.item()


def test_bradley_terry_by_hand():
    # d = 1.5 - 0.2 = 1.3; the margin 0.4 is asked for on whichever side is better
    expected = -0.8 * math.log(sigmoid(0.9)) - 0.2 * math.log(sigmoid(-1.7))
    assert comparison(1.5, 0.2, 0.8, 0.4) == pytest.approx(expected)


def test_bradley_terry_at_equal_scores_is_log_two_for_any_label():
    for probability in (0.5, 0.7, 1.0):
        assert comparison(3.0, 3.0, probability) == pytest.approx(math.log(2))


def test_a_plain_comparison_is_the_binary_loss_of_the_difference():
    expected = binary_loss(torch.tensor([1.3]), torch.tensor([True])).item()
    assert comparison(1.5, 0.2) == pytest.approx(expected)


def test_a_soft_label_is_fitted_where_the_difference_has_its_log_odds():
    chosen = torch.tensor([math.log(0.8 / 0.2)], requires_grad=True)
    bradley_terry_loss(
        chosen, torch.zeros(1), probability=torch.tensor([0.8]), margin=torch.zeros(1)
    ).sum().backward()
    assert chosen.grad is not None
    assert chosen.grad.item() == pytest.approx(0.0, abs=1e-7)


def test_win_tie_and_loss_add_up_to_one():
    first, second, width = torch.tensor([0.7]), torch.tensor([-0.4]), torch.tensor(0.3)
    tie = math.exp(-tie_loss(first, second, width).item())
    win, lose = (math.exp(-comparison(*pair, 1.0, 0.3)) for pair in ((0.7, -0.4), (-0.4, 0.7)))
    assert tie == pytest.approx(sigmoid(0.3 - 1.1) - sigmoid(-0.3 - 1.1), rel=1e-5)
    assert win + tie + lose == pytest.approx(1.0)


def test_a_tie_costs_least_at_equal_scores():
    first = torch.tensor([2.0], requires_grad=True)
    tie_loss(first, torch.tensor([2.0]), torch.tensor(0.5)).sum().backward()
    assert first.grad is not None
    assert first.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_centring_penalty_by_hand():
    assert centring_penalty(torch.tensor([2.0]), torch.tensor([-0.5])).item() == 2.25


THRESHOLDS = torch.tensor([[-1.0, 0.5, 2.0]] * 4)


def test_ordinal_loss_by_hand():
    score = torch.tensor([0.3, 0.3, 0.3, 0.3])
    loss = ordinal_loss(score, THRESHOLDS, torch.tensor([0, 1, 2, 3]))
    edges = [0.0, sigmoid(-1.3), sigmoid(0.2), sigmoid(1.7), 1.0]
    expected = [-math.log(high - low) for low, high in pairwise(edges)]
    torch.testing.assert_close(loss, torch.tensor(expected))


def test_ratings_have_probabilities_that_add_up_to_one_and_are_those_of_the_loss():
    score = torch.tensor([0.3, -2.0, 5.0, 0.0])
    probabilities = rating_probabilities(score, THRESHOLDS)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(4))
    loss = ordinal_loss(score, THRESHOLDS, torch.tensor([1, 0, 3, 2]))
    torch.testing.assert_close(loss, -probabilities[range(4), [1, 0, 3, 2]].log())


def test_two_grades_are_the_binary_loss():
    score, threshold = torch.tensor([0.7, 0.7]), torch.full((2, 1), 0.2)
    loss = ordinal_loss(score, threshold, torch.tensor([0, 1]))
    torch.testing.assert_close(loss, binary_loss(score - 0.2, torch.tensor([False, True])))


def test_ratings_far_from_the_score_have_a_finite_gradient():
    score = torch.tensor([60.0, -60.0], requires_grad=True)
    loss = ordinal_loss(score, THRESHOLDS[:2], torch.tensor([1, 2]))
    loss.sum().backward()
    assert score.grad is not None
    assert loss.isfinite().all()
    torch.testing.assert_close(score.grad, torch.tensor([1.0, -1.0]))


def test_thresholds_rise_whatever_the_numbers():
    raw = torch.tensor([-1.0, -3.0, 2.0])
    expected = [-1.0, -1 + math.log1p(math.exp(-3)), -1 + math.log1p(math.exp(-3))]
    expected[2] += math.log1p(math.exp(2))
    torch.testing.assert_close(ordered_thresholds(raw), torch.tensor(expected))


def test_a_missing_attribute_has_no_loss_and_no_gradient():
    scores = torch.tensor([[1.0, 5.0]], requires_grad=True)
    targets = torch.tensor([[3.0, math.nan]])
    loss = masked_squared_error(scores, targets, torch.tensor([[True, False]]))
    loss.sum().backward()
    assert loss.tolist() == [[4.0, 0.0]]
    assert scores.grad is not None
    assert scores.grad.tolist() == [[-4.0, 0.0]]


def test_mixture_by_hand():
    scores, logits = torch.tensor([[2.0, -1.0]]), torch.tensor([[math.log(3.0), 0.0]])
    assert mixture(scores, logits).item() == pytest.approx(0.75 * 2.0 - 0.25)
