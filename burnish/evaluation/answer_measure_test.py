from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest
import torch

from burnish.data.tasks.replies import RepliesTask
from burnish.errors import GraderError
from burnish.evaluation.answer_measure import (
    answer_intervals,
    measure_of_answers,
    measured_answers,
)
from burnish.types import GraderFailure, Score


class Length:
    """Pays the number of tokens; fails where there are as many as it is told."""

    def __init__(self, fails_at: int = -1) -> None:
        self._fails_at = fails_at

    def grade(self, pairs) -> list[Score | GraderFailure]:
        return [
            GraderFailure("x", "no")
            if len(c.token_ids) == self._fails_at
            else Score(float(len(c.token_ids)), False, None)
            for _, c in pairs
        ]


@pytest.fixture
def bench(attempts_bench):
    task = RepliesTask(train_size=2, dev_size=6, test_size=2)
    return replace(attempts_bench, task=task, num_dev=None)


@pytest.fixture
def moved(bench):
    """A policy that is not the reference any more."""
    policy = bench.load_policy()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in policy.network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return policy


def columns_of(bench, policy, reference, payer=None, num_samples=2):
    problems = bench.problems("dev")
    return measured_answers(
        bench, policy, reference, problems, payer=payer, num_samples=num_samples, seed=5
    )


def test_a_policy_is_at_no_distance_from_itself(bench):
    policy = bench.load_policy()
    columns = columns_of(bench, policy, bench.load_policy(), Length())
    assert columns["kl"] == [0.0] * 6
    assert columns["proxy"] == columns["length"]
    assert columns["gold"] == [0.0] * 6
    assert set(columns["no_eos"]) <= {0.0, 0.5, 1.0}


def test_kl_is_the_log_ratio_of_sampled_answers_summed_over_their_tokens(bench, moved):
    columns = columns_of(bench, moved, bench.load_policy(), num_samples=64)
    assert fmean(columns["kl"]) > 0.05
    per_token = fmean(columns["kl"]) / fmean(columns["length"])
    assert fmean(columns["kl_token"]) == pytest.approx(per_token, rel=0.15)
    assert "proxy" not in columns
    swapped = columns_of(bench, bench.load_policy(), moved, num_samples=64)
    assert fmean(swapped["kl"]) > 0.05  # a KL is positive either way round


def test_each_problem_counts_once_however_often_it_is_answered(bench, moved):
    columns = columns_of(bench, moved, bench.load_policy(), Length(), num_samples=3)
    assert {len(values) for values in columns.values()} == {6}


def test_dev_numbers_begin_with_reward_less_what_the_kl_costs(bench, moved):
    measure = measure_of_answers(bench, moved, bench.load_policy(), Length(), kl_coef=0.5)
    found = measure()
    expected = found["dev/sampled_proxy"] - 0.5 * found["dev/sampled_kl"]
    assert next(iter(found)) == "dev/objective"
    assert found["dev/objective"] == pytest.approx(expected)
    assert found["dev/sampled_kl"] != 0.0
    assert measure() == found
    assert "dev/objective" not in measure_of_answers(bench, moved, moved, None)()


def test_the_measure_follows_the_policy(bench):
    policy = bench.load_policy()
    measure = measure_of_answers(bench, policy, bench.load_policy(), None)
    assert measure()["dev/sampled_kl"] == 0.0
    with torch.no_grad():
        policy.network.get_input_embeddings().weight.mul_(1.5)
    assert measure()["dev/sampled_kl"] != 0.0


def test_a_payer_that_fails_too_often_is_an_error(bench):
    policy = bench.load_policy()
    with pytest.raises(GraderError):
        columns_of(bench, policy, policy, Length(fails_at=6))


def test_intervals_are_over_problems():
    found = answer_intervals({"gold": [0.0, 1.0, 1.0, 1.0]})["gold"]
    assert isinstance(found, dict)
    assert found["value"] == 0.75
    assert found["n"] == 4
