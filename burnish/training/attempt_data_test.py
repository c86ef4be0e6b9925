from __future__ import annotations

from itertools import islice

import pytest

from burnish.data.follow_up import CorrectionConfig
from burnish.training.attempt_data import (
    AttemptDataConfig,
    SampledChain,
    chain_metrics,
    collect_chains,
    read_chains,
)
from burnish.training.attempt_setup import attempt_collector, checked_follow_up
from burnish.training.stage import StageRun
from burnish.types import Score, StopReason, Turn

CORRECTION = CorrectionConfig(instruction="Once more.")


def stage(bench, folder, *, name="sample", turns=2, **settings):
    config = AttemptDataConfig.model_validate(
        {"num_problems": 5, "samples_per_problem": 3, "batch_size": 2} | settings
    )
    policy = bench.load_policy()
    follow_up = checked_follow_up(bench, policy, CORRECTION)
    collector = attempt_collector(
        bench,
        policy,
        follow_up,
        num_turns=turns,
        num_samples=config.samples_per_problem,
        temperature=config.temperature,
    )
    run = StageRun(name, folder, seed=1, artifacts={})
    return collect_chains(run, collector, bench.problems("train"), config)


def collected(bench, folder, **settings):
    metrics = [result.metrics for result in stage(bench, folder, **settings)]
    return metrics, read_chains(folder)


def turn(start: int, stop: int, *, is_correct: bool, reason=StopReason.EOS) -> Turn:
    return Turn(start, stop, "x", Score(0.0, is_correct, None), reason)


def test_as_many_chains_are_sampled_as_the_recipe_says(attempts_bench, tmp_path):
    metrics, chains = collected(attempts_bench, tmp_path)
    assert [found["rollout/chains"] for found in metrics] == [6, 6, 3]
    assert len(chains) == 5 * 3
    assert len({chain.problem_id for chain in chains}) == 5


def test_more_problems_than_there_are_means_that_some_are_asked_twice(attempts_bench, tmp_path):
    _, chains = collected(attempts_bench, tmp_path, num_problems=8)
    asked = [chain.problem_id for chain in chains]
    counts = [asked.count(problem_id) for problem_id in set(asked)]
    assert sorted(counts) == [3, 3, 3, 3, 6, 6]
    twice = next(i for i in asked if asked.count(i) == 6)
    assert len({c.token_ids for c in chains if c.problem_id == twice}) > 3


def test_every_train_problem_is_asked_once_unless_a_number_is_given(attempts_bench, tmp_path):
    _, chains = collected(attempts_bench, tmp_path, num_problems=None, samples_per_problem=1)
    expected = {problem.id for problem in attempts_bench.problems("train")}
    assert sorted(chain.problem_id for chain in chains) == sorted(expected)


def test_chains_hold_both_attempts_as_they_were_sampled(attempts_bench, tmp_path):
    _, chains = collected(attempts_bench, tmp_path)
    policy = attempts_bench.load_policy()
    follow_up = checked_follow_up(attempts_bench, policy, CORRECTION)
    renderer = attempts_bench.renderer(policy)
    problems = {problem.id: problem for problem in attempts_bench.problems("train")}
    for chain in chains:
        problem, (first, second) = problems[chain.problem_id], chain.turns
        assert chain.token_ids[: first.start] == renderer.prompt_ids(problem)
        assert chain.token_ids[first.stop : second.start] == follow_up.ids(problem)
        assert second.stop == len(chain.token_ids)
        own = chain.token_ids[second.start : second.stop]
        assert second.text == policy.tokenizer.decode(own, skip_special_tokens=True)


def test_sampling_is_a_function_of_the_seed_and_the_stage(attempts_bench, tmp_path):
    first = collected(attempts_bench, tmp_path / "a")
    assert collected(attempts_bench, tmp_path / "b") == first
    _, others = collected(attempts_bench, tmp_path / "c", name="sample_2")
    assert {c.token_ids for c in others}.isdisjoint(c.token_ids for c in first[1])


def test_stopped_stage_samples_only_what_is_missing_and_ends_the_same(attempts_bench, tmp_path):
    whole = collected(attempts_bench, tmp_path / "whole")
    cut = tmp_path / "cut"
    assert len(list(islice(stage(attempts_bench, cut), 2))) == 2
    assert not (cut / "chains.jsonl").exists()
    before = {path.name: path.stat().st_mtime_ns for path in (cut / "pieces").iterdir()}
    assert collected(attempts_bench, cut) == whole
    after = {path.name: path.stat().st_mtime_ns for path in (cut / "pieces").iterdir()}
    assert len(before) == 2
    assert len(after) == 3
    assert before.items() <= after.items()


def test_metrics_are_means_over_chains_by_attempt():
    chains = [
        SampledChain("p", (turn(2, 4, is_correct=True), turn(6, 9, is_correct=False)), ()),
        SampledChain(
            "p",
            (turn(2, 3, is_correct=True, reason=StopReason.LENGTH), turn(5, 6, is_correct=True)),
            (),
        ),
    ]
    assert chain_metrics(chains, num_asked=4) == pytest.approx(
        {
            "rollout/chains": 4,
            "rollout/failed_to_grade": 0.5,
            "rollout/accuracy_t1": 1.0,
            "rollout/truncated_t1": 0.5,
            "rollout/length_t1": 1.5,
            "rollout/accuracy_t2": 0.5,
            "rollout/truncated_t2": 0.0,
            "rollout/length_t2": 2.0,
        }
    )


def test_batch_of_which_nothing_could_be_graded_has_no_accuracy():
    found = chain_metrics([], num_asked=2)
    assert found == {"rollout/chains": 2, "rollout/failed_to_grade": 1.0}
