import pytest
import torch

from burnish.core.advantages import (
    gae,
    group_normalised,
    leave_one_out,
    whiten,
    whiten_batches,
)

NAN = float("nan")


def row(*values):
    return torch.tensor([values])


def all_actions(values):
    return torch.ones_like(values, dtype=torch.bool)


def test_three_actions_by_hand():
    rewards, values = row(1.0, 0.0, 4.0), row(0.5, 2.0, 3.0)
    advantages, returns = gae(rewards, values, all_actions(values), discount=0.9, gae_lambda=0.5)
    third = 4.0 - 3.0
    second = (0.0 + 0.9 * 3.0 - 2.0) + 0.9 * 0.5 * third
    first = (1.0 + 0.9 * 2.0 - 0.5) + 0.9 * 0.5 * second
    torch.testing.assert_close(advantages, row(first, second, third))
    torch.testing.assert_close(returns, row(first + 0.5, second + 2.0, third + 3.0))


def test_without_discount_the_advantage_is_the_future_reward_less_the_value():
    rewards, values = row(1.0, 2.0, 4.0), row(0.5, 2.5, 3.0)
    advantages, returns = gae(rewards, values, all_actions(values), discount=1.0, gae_lambda=1.0)
    torch.testing.assert_close(returns, row(7.0, 6.0, 4.0))
    torch.testing.assert_close(advantages, row(6.5, 3.5, 1.0))


def test_lambda_zero_is_the_one_step_error():
    rewards, values = row(1.0, 2.0), row(0.5, 2.5)
    advantages, _ = gae(rewards, values, all_actions(values), discount=0.9, gae_lambda=0.0)
    torch.testing.assert_close(advantages, row(1.0 + 0.9 * 2.5 - 0.5, 2.0 - 2.5))


def test_values_of_a_perfect_critic_leave_no_advantage():
    rewards, values = row(0.0, 0.0, 8.0), row(2.0, 4.0, 8.0)
    advantages, returns = gae(rewards, values, all_actions(values), discount=0.5, gae_lambda=0.7)
    torch.testing.assert_close(advantages, torch.zeros(1, 3))
    torch.testing.assert_close(returns, values)


def test_prompt_and_padding_change_nothing():
    rewards, values = row(1.0, 0.0, 4.0), row(0.5, 2.0, 3.0)
    options = {"discount": 0.9, "gae_lambda": 0.5}
    advantages, returns = gae(rewards, values, all_actions(values), **options)
    mask = torch.tensor([[False, False, True, True, True, False]])
    padded = gae(
        row(NAN, 5.0, 1.0, 0.0, 4.0, NAN), row(7.0, NAN, 0.5, 2.0, 3.0, NAN), mask, **options
    )
    for found, expected in zip(padded, (advantages, returns), strict=True):
        torch.testing.assert_close(found[:, 2:5], expected)
        assert (found[~mask] == 0).all()


def test_what_stands_between_two_turns_is_skipped():
    mask = torch.tensor([[False, True, True, False, False, True]])
    rewards, values = row(9.0, 1.0, 2.0, 9.0, NAN, 4.0), row(9.0, 0.5, 1.5, NAN, 9.0, 3.0)
    found = gae(rewards, values, mask, discount=0.9, gae_lambda=0.5)
    joined = gae(
        rewards[mask][None],
        values[mask][None],
        torch.ones(1, 3, dtype=torch.bool),
        discount=0.9,
        gae_lambda=0.5,
    )
    for two_turns, one_turn in zip(found, joined, strict=True):
        torch.testing.assert_close(two_turns[mask][None], one_turn)


def test_rows_do_not_touch_each_other():
    rewards = torch.tensor([[1.0, 2.0, 3.0], [5.0, 0.0, 0.0], [7.0, 7.0, 7.0]])
    values = torch.tensor([[0.1, 0.2, 0.3], [2.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
    mask = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
    advantages, _ = gae(rewards, values, mask, discount=0.9, gae_lambda=0.5)
    alone, _ = gae(rewards[:1], values[:1], mask[:1], discount=0.9, gae_lambda=0.5)
    torch.testing.assert_close(advantages[:1], alone)
    assert advantages[1:].tolist() == [[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_advantages_and_returns_are_constants():
    values = row(0.5, 2.0).requires_grad_()
    advantages, returns = gae(
        row(1.0, 0.0), values, all_actions(values), discount=1.0, gae_lambda=1.0
    )
    assert not advantages.requires_grad
    assert not returns.requires_grad


def test_whitening_by_hand_uses_the_population_variance():
    mask = torch.tensor([[True, True], [True, False]])
    found = whiten(torch.tensor([[1.0, 2.0], [6.0, NAN]]), mask, epsilon=0.5)
    scale = (14 / 3 + 0.5) ** -0.5  # squared deviations 4, 1, 9
    torch.testing.assert_close(
        found, torch.tensor([[-2.0 * scale, -1.0 * scale], [3.0 * scale, 0.0]])
    )


def test_whitening_leaves_mean_zero_and_variance_one_over_the_mask():
    generator = torch.Generator().manual_seed(0)
    values = 5.0 + 3.0 * torch.randn(8, 16, generator=generator)
    mask = torch.rand(8, 16, generator=generator) < 0.5
    found = whiten(values, mask)[mask]
    assert found.mean().item() == pytest.approx(0.0, abs=1e-6)
    assert found.var(correction=0).item() == pytest.approx(1.0, abs=1e-5)


def test_equal_advantages_and_empty_batches_whiten_to_zero():
    values = torch.full((2, 3), 4.0)
    assert whiten(values, all_actions(values)).tolist() == [[0.0] * 3] * 2
    assert whiten(values, torch.zeros(2, 3, dtype=torch.bool)).tolist() == [[0.0] * 3] * 2


REWARDS = torch.tensor([1.0, 5.0, 4.0, 7.0, 0.0])
GROUP = torch.tensor([0, 2, 0, 0, 2])  # sizes 3 and 2, mixed; no sample is of group 1


def test_group_advantages_by_hand():
    std_0 = (((1 - 4) ** 2 + 0 + (7 - 4) ** 2) / 2) ** 0.5
    std_2 = (2 * 2.5**2) ** 0.5
    expected = [
        -3 / (std_0 + 0.5),
        2.5 / (std_2 + 0.5),
        0.0,
        3 / (std_0 + 0.5),
        -2.5 / (std_2 + 0.5),
    ]
    found = group_normalised(REWARDS, GROUP, epsilon=0.5)
    torch.testing.assert_close(found, torch.tensor(expected))


def test_a_group_alone_has_the_advantages_it_has_beside_others():
    alone = group_normalised(REWARDS[GROUP == 2], torch.tensor([0, 0]))
    torch.testing.assert_close(group_normalised(REWARDS, GROUP)[GROUP == 2], alone)


def test_group_advantages_do_not_depend_on_shift_and_scale_of_the_rewards():
    options = {"group": GROUP, "epsilon": 0.0}
    expected = group_normalised(REWARDS, **options)
    torch.testing.assert_close(group_normalised(10 * REWARDS - 3, **options), expected)


def test_equal_rewards_and_single_samples_have_no_advantage():
    rewards = torch.tensor([0.1, 0.1, 0.1, 0.7])
    found = group_normalised(rewards, torch.tensor([0, 0, 0, 1]))
    assert found.tolist() == pytest.approx([0.0] * 4, abs=1e-9)


def test_group_advantages_are_constants():
    assert not group_normalised(REWARDS.clone().requires_grad_(), GROUP).requires_grad


def test_leave_one_out_by_hand():
    returns, group = torch.tensor([1.0, 5.0, 2.0, 9.0, 4.0]), torch.tensor([0, 1, 0, 1, 0])
    found = leave_one_out(returns, group)
    torch.testing.assert_close(found, torch.tensor([1.0 - 3.0, -4.0, 2.0 - 2.5, 4.0, 4.0 - 1.5]))


def test_leave_one_out_is_the_deviation_from_the_mean_but_for_a_factor():
    returns = torch.randn(6, generator=torch.Generator().manual_seed(0))
    found = leave_one_out(returns, torch.zeros(6, dtype=torch.long))
    torch.testing.assert_close(found, 6 / 5 * (returns - returns.mean()))


def test_leave_one_out_of_a_lone_sample_or_equal_returns_is_zero():
    found = leave_one_out(torch.tensor([7.0, 0.1, 0.1, 0.1]), torch.tensor([1, 0, 0, 0]))
    assert found.tolist() == [0.0, 0.0, 0.0, 0.0]


def test_micro_batches_are_whitened_as_one():
    first, second = row(1.0, NAN, 4.0), torch.tensor([[7.0, 2.0], [NAN, NAN]])
    masks = [row(True, False, True), torch.tensor([[True, True], [False, False]])]
    found = whiten_batches([first, second], masks)
    together = whiten(row(1.0, 4.0, 7.0, 2.0), row(True, True, True, True))[0]
    torch.testing.assert_close(found[0], row(together[0], 0.0, together[1]))
    torch.testing.assert_close(found[1], torch.stack([together[2:], torch.zeros(2)]))
