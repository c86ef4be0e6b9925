import pytest
import torch

from burnish.core.masking import (
    action_mask,
    constant_mean,
    masked_mean,
    masked_variance,
    scatter_actions,
    sequence_mean,
    token_mean,
)

NAN = float("nan")
VALUES = torch.tensor([[1.0, 2.0, 6.0], [10.0, NAN, NAN], [NAN, NAN, NAN]])
MASK = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
REDUCTIONS = [
    (token_mean, {"num_tokens": 8}),
    (sequence_mean, {"num_sequences": 5}),
    (constant_mean, {"divisor": 2.5}),
]


def test_the_mask_of_column_t_is_about_token_t_plus_one():
    is_action = torch.tensor([[False, False, True, True], [True, False, True, False]])
    assert action_mask(is_action).tolist() == [[False, True, True], [False, True, False]]


def test_scatter_undoes_boolean_selection():
    mask = torch.tensor([[False, True, True], [True, False, False]])
    placed = scatter_actions(torch.tensor([1.0, 2.0, 3.0]), mask, fill=-7.0)
    assert placed.tolist() == [[-7.0, 1.0, 2.0], [3.0, -7.0, -7.0]]
    assert placed[mask].tolist() == [1.0, 2.0, 3.0]


def test_scatter_fills_with_zero_and_carries_the_gradient():
    values = torch.tensor([5.0, 6.0], requires_grad=True)
    placed = scatter_actions(values, torch.tensor([[True, False, True]]))
    (placed * torch.tensor([[2.0, 3.0, 4.0]])).sum().backward()
    assert placed.tolist() == [[5.0, 0.0, 6.0]]
    assert values.grad is not None
    assert values.grad.tolist() == [2.0, 4.0]


def test_token_mean_weighs_every_action_the_same():
    assert token_mean(VALUES, MASK, num_tokens=8).item() == 19.0 / 8


def test_sequence_mean_weighs_every_sequence_the_same():
    assert sequence_mean(VALUES, MASK, num_sequences=5).item() == pytest.approx((3 + 10) / 5)


def test_constant_mean_knows_no_length():
    assert constant_mean(VALUES, MASK, divisor=2.5).item() == pytest.approx(19.0 / 2.5)


@pytest.mark.parametrize(("reduction", "count"), REDUCTIONS)
def test_micro_batches_add_up_to_the_whole_batch(reduction, count):
    whole = reduction(VALUES, MASK, **count)
    parts = [reduction(VALUES[i : i + 1], MASK[i : i + 1], **count) for i in range(3)]
    torch.testing.assert_close(sum(parts), whole)


@pytest.mark.parametrize(("reduction", "count"), REDUCTIONS)
def test_padding_changes_nothing(reduction, count):
    padded = torch.cat([torch.full((3, 2), NAN), VALUES, torch.full((3, 1), 99.0)], dim=1)
    off = torch.zeros(3, 1, dtype=torch.bool)
    mask = torch.cat([off, off, MASK, off], dim=1)
    torch.testing.assert_close(reduction(padded, mask, **count), reduction(VALUES, MASK, **count))


@pytest.mark.parametrize(("reduction", "count"), REDUCTIONS)
def test_nan_off_the_mask_poisons_neither_value_nor_gradient(reduction, count):
    values = VALUES.clone().requires_grad_()
    result = reduction(values, MASK, **count)
    result.backward()
    assert result.isfinite()
    assert values.grad is not None
    assert (values.grad[~MASK] == 0).all()
    assert (values.grad[MASK] > 0).all()


@pytest.mark.parametrize(("reduction", "count"), REDUCTIONS)
def test_a_batch_without_actions_is_zero(reduction, count):
    assert reduction(VALUES, torch.zeros_like(MASK), **count).item() == 0.0


def test_masked_mean_and_population_variance_by_hand():
    assert masked_mean(VALUES, MASK).item() == 19 / 4
    squares = [(x - 19 / 4) ** 2 for x in (1, 2, 6, 10)]
    assert masked_variance(VALUES, MASK).item() == pytest.approx(sum(squares) / 4)


def test_masked_moments_of_nothing_are_zero():
    empty = torch.zeros_like(MASK)
    assert masked_mean(VALUES, empty).item() == 0.0
    assert masked_variance(VALUES, empty).item() == 0.0
