from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.errors import ConfigError
from burnish.training.judging.labels import AnswerPair
from burnish.training.judging.simulated import SimulatedJudgeConfig


@pytest.fixture
def bench(attempts_bench):
    return replace(attempts_bench, task=RepliesTask(train_size=60, dev_size=2, test_size=2))


def pairs_of(bench):
    return [AnswerPair(p, p.answer, "Good luck.") for p in bench.problems("train")]


def judge_of(bench, **settings):
    return SimulatedJudgeConfig(**settings).build(bench)


def test_better_answer_is_preferred_in_either_place(bench):
    first, *_ = pairs_of(bench)
    swapped = AnswerPair(first.problem, first.second, first.first)
    same = AnswerPair(first.problem, first.first, first.first)
    labels = judge_of(bench).label([first, swapped, same], seed=1)
    assert [label.probability for label in labels] == [1.0, 0.0, 0.5]


def test_share_of_mistakes_is_the_noise_and_follows_the_seed(bench):
    judge = judge_of(bench, noise=0.4)
    labels = [label for seed in range(20) for label in judge.label(pairs_of(bench), seed=seed)]
    assert fmean(label.probability == 1.0 for label in labels) == pytest.approx(0.6, abs=0.05)
    assert judge.label(pairs_of(bench), seed=3) == judge.label(pairs_of(bench), seed=3)


def test_score_is_the_worth_from_minus_one_to_one(bench):
    problem = bench.problems("train")[0]
    answers = [(problem, str(problem.answer)), (problem, "Good luck.")]
    assert [found.score for found in judge_of(bench).score(answers, seed=1)] == [1.0, -1.0]


def test_noisy_scores_stay_in_range(bench):
    problem = bench.problems("train")[0]
    answers = [(problem, f"Good luck. {n}") for n in range(50)]
    scores = [s.score for s in judge_of(bench, score_noise=1.0).score(answers, seed=1)]
    assert len(set(scores)) > 10
    assert all(s is not None and -1.0 <= s <= 1.0 for s in scores)


def test_length_may_be_liked(bench):
    problem = bench.problems("train")[0]
    pair = AnswerPair(problem, "Good luck. " * 20, "Good luck.")
    assert judge_of(bench).label([pair], seed=1)[0].probability == 0.5
    assert judge_of(bench, length_bias=0.5).label([pair], seed=1)[0].probability == 1.0


def test_task_that_does_not_know_the_worth_of_answers_is_an_error(attempts_bench):
    with pytest.raises(ConfigError, match="simulated needs a task that knows"):
        judge_of(attempts_bench)
