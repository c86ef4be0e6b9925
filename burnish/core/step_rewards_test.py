from __future__ import annotations

import pytest
import torch

from burnish.core.step_rewards import held_potential, potential_differences, rewards_at_ends

VALUES = torch.tensor([0.25, 0.75])
ENDS = torch.tensor([2, 5])


def test_each_step_is_paid_at_the_action_that_ends_it():
    paid = rewards_at_ends(VALUES, ENDS, num_actions=6)
    assert paid.tolist() == [0.0, 0.25, 0.0, 0.0, 0.75, 0.0]


def test_no_step_pays_nothing():
    none, ends = torch.tensor([]), torch.tensor([], dtype=torch.long)
    assert rewards_at_ends(none, ends, num_actions=2).tolist() == [0.0, 0.0]
    assert held_potential(0.5, none, ends, num_actions=2).tolist() == [0.5, 0.5, 0.5]


def test_potential_is_held_until_a_step_ends():
    potential = held_potential(0.5, VALUES, ENDS, num_actions=6)
    assert potential.tolist() == [0.5, 0.5, 0.25, 0.25, 0.25, 0.75, 0.75]


def test_without_a_discount_only_ends_of_steps_are_paid_what_they_add():
    potential = held_potential(0.5, VALUES, ENDS, num_actions=5)
    paid = potential_differences(potential, discount=1.0)
    assert paid.tolist() == [0.0, -0.25, 0.0, 0.0, 0.5]


def test_with_a_discount_holding_a_potential_costs():
    potential = held_potential(0.5, VALUES, ENDS, num_actions=5)
    paid = potential_differences(potential, discount=0.5)
    assert paid.tolist() == [-0.25, -0.375, -0.125, -0.125, 0.125]


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_discounted_sum_telescopes(discount):
    generator = torch.Generator().manual_seed(1)
    potential = torch.rand(12, generator=generator, dtype=torch.float64)
    paid = potential_differences(potential.float(), discount=discount).double()
    total = sum(discount**t * reward.item() for t, reward in enumerate(paid))
    ends = discount**11 * potential[-1] - potential[0]
    assert total == pytest.approx(ends.item(), abs=1e-6)
