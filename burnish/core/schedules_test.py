import functools

import pytest
import torch
from transformers import get_linear_schedule_with_warmup

from burnish.core.schedules import constant, linear_decay, warm_up_steps


def test_constant_is_one():
    assert [constant(step) for step in (0, 1, 1000)] == [1.0, 1.0, 1.0]


def test_linear_decay_by_hand():
    rates = [linear_decay(step, num_steps=7, num_warm_up_steps=2) for step in range(9)]
    assert rates == pytest.approx([0, 0.5, 1, 0.8, 0.6, 0.4, 0.2, 0, 0])


def test_without_warm_up_the_first_step_is_full():
    assert [linear_decay(step, num_steps=4) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(("num_steps", "num_warm_up_steps"), [(7, 2), (5, 0), (3, 3), (2, 4)])
def test_linear_decay_is_that_of_transformers(num_steps, num_warm_up_steps):
    def rates(schedule_of):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = schedule_of(optimizer)
        found = []
        for _ in range(num_steps + 2):
            found += scheduler.get_last_lr()
            optimizer.step()
            scheduler.step()
        return found

    ours = functools.partial(linear_decay, num_steps=num_steps, num_warm_up_steps=num_warm_up_steps)
    theirs = rates(lambda x: get_linear_schedule_with_warmup(x, num_warm_up_steps, num_steps))
    assert rates(lambda x: torch.optim.lr_scheduler.LambdaLR(x, ours)) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("num_steps", "ratio", "expected"),
    [(100, 0.1, 10), (101, 0.1, 11), (100, 0.07, 7), (9, 0.0, 0)],
)
def test_warm_up_steps_round_up_but_not_for_noise(num_steps, ratio, expected):
    assert warm_up_steps(num_steps, ratio=ratio) == expected
