import pytest
import torch

from burnish.core.advantages import group_normalised, leave_one_out
from burnish.core.group_advantages import (
    batch_scaled,
    group_centred,
    length_weighted,
    returns_to_go,
    soft_overlong_penalty,
)

RETURNS = torch.tensor([1.0, 0.0, 5.0, 0.0, 2.0])
GROUP = torch.tensor([0, 1, 0, 0, 1])  # means 2 and 1
SAME = torch.full((4,), 0.1)


def test_centred_is_the_return_less_the_mean_of_the_group():
    expected = torch.tensor([-1.0, -1.0, 3.0, -2.0, 1.0])
    torch.testing.assert_close(group_centred(RETURNS, GROUP), expected)


def test_centred_is_grpos_advantage_times_the_deviation_of_the_group():
    std = torch.stack([RETURNS[g == GROUP].std() for g in (0, 1)])[GROUP]
    normalised = group_normalised(RETURNS, GROUP, epsilon=0.0)
    torch.testing.assert_close(group_centred(RETURNS, GROUP), normalised * std)


def test_centred_is_the_leave_one_out_advantage_shrunk_by_the_size_of_the_group():
    sizes = torch.tensor([3.0, 2.0, 3.0, 3.0, 2.0])
    expected = leave_one_out(RETURNS, GROUP) * (sizes - 1) / sizes
    torch.testing.assert_close(group_centred(RETURNS, GROUP), expected)


def test_batch_scaled_divides_by_the_deviation_of_all_returns():
    expected = group_centred(RETURNS, GROUP) / (RETURNS.std() + 0.5)
    torch.testing.assert_close(batch_scaled(RETURNS, GROUP, epsilon=0.5), expected)


def test_optimal_baseline_weighs_returns_by_length():
    lengths = torch.tensor([1, 4, 3, 6, 12])  # baselines (1 + 15 + 0) / 10 and 24 / 16
    expected = torch.tensor([1 - 1.6, -1.5, 5 - 1.6, -1.6, 0.5])
    torch.testing.assert_close(length_weighted(RETURNS, GROUP, lengths), expected)


def test_equal_lengths_make_the_optimal_baseline_the_mean():
    lengths = torch.full((5,), 7)
    torch.testing.assert_close(
        length_weighted(RETURNS, GROUP, lengths), group_centred(RETURNS, GROUP)
    )


@pytest.mark.parametrize("group", [[0, 0, 0, 0], [0, 1, 2, 3]], ids=["equal returns", "singles"])
def test_nothing_to_compare_with_has_no_advantage(group):
    groups = torch.tensor(group)
    assert not group_centred(SAME, groups).any()
    assert not batch_scaled(SAME, groups).any()


def test_to_go_is_what_an_action_still_leads_to_and_skips_what_is_no_action():
    nan = float("nan")
    rewards = torch.tensor([[nan, 1.0, 2.0, nan, 4.0], [8.0, nan, nan, nan, nan]])
    mask = torch.tensor([[False, True, True, False, True], [True, False, False, False, False]])
    expected = torch.tensor([[0.0, 7.0, 6.0, 0.0, 4.0], [8.0, 0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(returns_to_go(rewards, mask), expected)


def test_penalty_grows_over_the_buffer_and_ends_at_the_limit():
    lengths = torch.tensor([1, 60, 70, 95, 100])
    found = soft_overlong_penalty(lengths, max_length=100, buffer=40)
    torch.testing.assert_close(found, torch.tensor([0.0, 0.0, -0.25, -0.875, -1.0]))
