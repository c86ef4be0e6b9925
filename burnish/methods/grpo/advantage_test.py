from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from burnish.methods.grpo.advantage import (
    BatchScaled,
    GreedyBaseline,
    GroupCentred,
    GroupNormalised,
    LeaveOneOut,
    LengthWeighted,
    Returns,
    WhitenedCentred,
    WhitenedOverOthers,
    WhitenedToGo,
)

MASKS = [
    torch.tensor([[False, True, True], [True, False, False]]),
    torch.tensor([[True, True], [False, True]]),
]
RETURNS = Returns(
    whole=torch.tensor([1.0, 0.0, 3.0, 4.0]),
    to_go=[
        torch.tensor([[0.0, 1.0, 1.5], [0.0, 0.0, 0.0]]),
        torch.tensor([[3.0, 2.0], [0.0, 4.0]]),
    ],
    group=torch.tensor([0, 1, 0, 1]),
    lengths=torch.tensor([2, 1, 2, 1]),
    masks=MASKS,
    greedy=torch.tensor([0.5, 1.0, 0.5, 1.0]),
)


def of_samples(found: list[torch.Tensor]) -> list[list[float]]:
    """The advantages of each sample's actions; nothing stands off them."""
    for values, mask in zip(found, MASKS, strict=True):
        assert not values[~mask].any()
    return [
        row[own].tolist()
        for values, mask in zip(found, MASKS, strict=True)
        for row, own in zip(values, mask, strict=True)
    ]


def white(*values: float) -> list[float]:
    array = np.array(values)
    return ((array - array.mean()) / np.sqrt(array.var() + 1e-8)).tolist()


@pytest.mark.parametrize(
    ("advantage", "samples"),
    [
        (GroupCentred(), [-1.0, -2.0, 1.0, 2.0]),
        (LeaveOneOut(), [-2.0, -4.0, 2.0, 4.0]),
        (LengthWeighted(), [-1.0, -2.0, 1.0, 2.0]),
        (GreedyBaseline(), [0.5, -1.0, 2.5, 3.0]),
        (
            GroupNormalised(epsilon=0.5),
            [x / (math.sqrt(v) + 0.5) for x, v in [(-1, 2), (-2, 8), (1, 2), (2, 8)]],
        ),
        (
            BatchScaled(epsilon=0.5),
            [x / (math.sqrt(10 / 3) + 0.5) for x in (-1, -2, 1, 2)],
        ),
    ],
    ids=["centred", "others", "optimal", "greedy", "normalised", "batch"],
)
def test_every_action_has_the_advantage_of_its_sample(advantage, samples):
    expected = [[s] * n for s, n in zip(samples, RETURNS.lengths.tolist(), strict=True)]
    for found, wanted in zip(of_samples(advantage.of(RETURNS)), expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-5)


def flat(found: list[torch.Tensor]) -> list[float]:
    return [value for row in of_samples(found) for value in row]


def test_returns_to_go_are_whitened_over_all_actions():
    assert flat(WhitenedToGo().of(RETURNS)) == pytest.approx(
        white(1.0, 1.5, 0.0, 3.0, 2.0, 4.0), rel=1e-5
    )


def test_centred_returns_are_whitened_over_all_actions():
    assert flat(WhitenedCentred().of(RETURNS)) == pytest.approx(
        white(-1, -1, -2, 1, 1, 2), rel=1e-5
    )


def test_mean_of_the_others_stands_in_for_the_critic():
    """Others' returns are 3, 4, 1 and 0."""
    expected = white(1 - 3, 1.5 - 3, 0 - 4, 3 - 1, 2 - 1, 4 - 0)
    assert flat(WhitenedOverOthers().of(RETURNS)) == pytest.approx(expected, rel=1e-5)
