import pytest
import torch

from burnish.methods.score.baselines import BatchMean, MovingAverage, baseline_named

RETURNS = torch.tensor([[0.0, 1.0], [1.0, 11.0], [1.0, -10.0], [0.0, 0.0]])
GROUP = torch.tensor([0, 0, 1, 1])
PAID = torch.ones(4, 2, dtype=torch.bool)


def test_leave_one_out_compares_with_the_other_samples_of_the_problem_attempt_by_attempt():
    found = baseline_named("leave_one_out", rate=0.1).advantages(RETURNS, GROUP, PAID)
    assert found.tolist() == [[-1.0, -10.0], [1.0, 10.0], [1.0, -10.0], [-1.0, 10.0]]


def test_batch_mean_is_of_each_attempt():
    found = BatchMean().advantages(RETURNS, GROUP, PAID)
    assert found.tolist() == [[-0.5, 0.5], [0.5, 10.5], [0.5, -10.5], [-0.5, -0.5]]


def test_moving_average_compares_with_earlier_batches_and_starts_at_the_first():
    baseline = baseline_named("moving_average", rate=0.25)
    first = baseline.advantages(torch.tensor([[1.0, 4.0], [3.0, 4.0]]), GROUP[:2], PAID[:2])
    second = baseline.advantages(torch.tensor([[6.0, 0.0]]), GROUP[:1], PAID[:1])
    third = baseline.advantages(torch.tensor([[0.0, 0.0]]), GROUP[:1], PAID[:1])
    assert first.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert second.tolist() == [[4.0, -4.0]]
    assert third.tolist() == [[-3.0, -3.0]]


def test_moving_average_goes_on_from_a_checkpoint():
    whole, resumed = MovingAverage(0.25), MovingAverage(0.25)
    whole.advantages(RETURNS, GROUP, PAID)
    resumed.load_state_dict(whole.state_dict())
    more = RETURNS + 1.0
    assert torch.equal(whole.advantages(more, GROUP, PAID), resumed.advantages(more, GROUP, PAID))


@pytest.mark.parametrize("name", ["leave_one_out", "batch_mean"])
def test_others_remember_nothing(name):
    baseline = baseline_named(name, rate=0.5)
    before = baseline.advantages(RETURNS, GROUP, PAID)
    baseline.load_state_dict(baseline.state_dict())
    assert torch.equal(baseline.advantages(RETURNS, GROUP, PAID), before)


def test_means_leave_out_what_is_not_paid():
    is_paid = torch.tensor([[True, True], [True, True], [False, True], [False, True]])
    found = BatchMean().advantages(RETURNS, GROUP, is_paid)
    assert found[:2, 0].tolist() == [-0.5, 0.5]
    assert found[:, 1].tolist() == [0.5, 10.5, -10.5, -0.5]


def test_moving_average_of_what_is_never_paid_stays():
    baseline = MovingAverage(0.5)
    baseline.advantages(torch.tensor([[4.0, 4.0]]), GROUP[:1], PAID[:1])
    baseline.advantages(torch.tensor([[0.0, 0.0]]), GROUP[:1], torch.tensor([[False, True]]))
    found = baseline.advantages(torch.tensor([[0.0, 0.0]]), GROUP[:1], PAID[:1])
    assert found.tolist() == [[-4.0, -2.0]]
