from __future__ import annotations

from itertools import islice
from statistics import fmean
from typing import Any

import pytest

from burnish.training.samples import (
    GradedSample,
    SampleDataConfig,
    asked_batches,
    collect_samples,
    read_samples,
    sample_metrics,
    samples_by_problem,
)
from burnish.training.stage import StageRun
from burnish.types import Problem, Score, StopReason


def config_of(**settings) -> SampleDataConfig:
    return SampleDataConfig.model_validate(
        {"samples_per_problem": 4, "batch_size": 2, "top_k": 0} | settings
    )


def stage(bench, folder, *, name="sample", **settings):
    run = StageRun(name, folder, seed=1, artifacts={})
    policy = bench.load_policy()
    return run, collect_samples(run, bench=bench, policy=policy, config=config_of(**settings))


def collected(bench, folder, **settings):
    _, steps = stage(bench, folder, **settings)
    return [result.metrics for result in steps], read_samples(folder)


def sample(
    problem_id: str, *, reward: float = 0.0, size: int = 1, reason=StopReason.EOS, answer=None
) -> GradedSample:
    return GradedSample(
        problem_id, (1, 2), (7,) * size, "x", Score(reward, reward == 1.0, answer), reason
    )


def test_every_problem_has_as_many_samples_as_the_recipe_says(attempts_bench, tmp_path):
    metrics, samples = collected(attempts_bench, tmp_path)
    by_problem = samples_by_problem(samples)
    assert set(by_problem) == {problem.id for problem in attempts_bench.problems("train")}
    assert {len(drawn) for drawn in by_problem.values()} == {4}
    assert len(metrics) == 3


def test_samples_are_the_tokens_that_were_sampled(attempts_bench, tmp_path):
    _, samples = collected(attempts_bench, tmp_path)
    policy = attempts_bench.load_policy()
    renderer = attempts_bench.renderer(policy)
    problems = {problem.id: problem for problem in attempts_bench.problems("train")}
    for drawn in samples:
        assert drawn.prompt_ids == renderer.prompt_ids(problems[drawn.problem_id])
        text = policy.tokenizer.decode(list(drawn.token_ids), skip_special_tokens=True)
        assert drawn.text == text
        is_closed = drawn.token_ids[-1] == policy.tokenizer.eos_token_id
        assert is_closed == (drawn.stop_reason is StopReason.EOS)


def test_example_learns_the_sampled_tokens_alone():
    example = sample("p", size=3).example()
    assert example.token_ids == (1, 2, 7, 7, 7)
    assert example.is_action == (False, False, True, True, True)


def test_passes_ask_every_problem_before_one_is_asked_again():
    problems = [Problem(name, name, "1") for name in "abc"]
    batches = asked_batches(problems, config_of(samples_per_problem=5, samples_per_pass=2))
    asked = [("".join(p.id for p in batch), number) for batch, number in batches]
    assert asked == [("ab", 2), ("c", 2), ("ab", 2), ("c", 2), ("ab", 1), ("c", 1)]


def test_passes_draw_other_samples(attempts_bench, tmp_path):
    _, samples = collected(attempts_bench, tmp_path, samples_per_pass=2)
    drawn = samples_by_problem(samples)
    assert all(len({s.token_ids for s in group}) > 2 for group in drawn.values())


def test_spent_budget_ends_the_stage_after_the_step_that_spends_it(attempts_bench, tmp_path):
    whole, samples = collected(attempts_bench, tmp_path / "whole", samples_per_pass=1)
    spent = [found["rollout/sampled_tokens"] for found in whole]
    assert spent[-1] == sum(len(s.token_ids) for s in samples)
    assert spent == sorted(spent)
    right = [
        {s.problem_id for s in samples[: 2 * step + 2] if s.score.is_correct}
        for step in range(len(whole))
    ]
    assert [found["rollout/covered"] for found in whole] == [len(ids) / 6 for ids in right]
    assert right[0] < right[-1]
    budget = int(spent[3])
    run, steps = stage(
        attempts_bench, tmp_path / "cut", samples_per_pass=1, max_tokens_total=budget
    )
    cut = [result.metrics for result in steps]
    assert cut == whole[:4]
    assert run.num_done == 4
    assert read_samples(tmp_path / "cut") == samples[: len(read_samples(tmp_path / "cut"))]
    one_more, _ = collected(
        attempts_bench, tmp_path / "more", samples_per_pass=1, max_tokens_total=budget + 1
    )
    assert len(one_more) == 5


def test_stopped_stage_samples_only_what_is_missing_and_ends_the_same(attempts_bench, tmp_path):
    settings: dict[str, Any] = {"samples_per_pass": 2, "max_tokens_total": 100}
    whole = collected(attempts_bench, tmp_path / "whole", **settings)
    cut = tmp_path / "cut"
    assert len(list(islice(stage(attempts_bench, cut, **settings)[1], 2))) == 2
    assert not (cut / "samples.jsonl").exists()
    before = {path.name: path.stat().st_mtime_ns for path in (cut / "pieces").iterdir()}
    assert collected(attempts_bench, cut, **settings) == whole
    after = {path.name: path.stat().st_mtime_ns for path in (cut / "pieces").iterdir()}
    assert len(before) == 2
    assert len(after) == len(whole[0]) > 2
    assert before.items() <= after.items()


def test_stage_stopped_when_its_budget_was_spent_asks_nothing_more(attempts_bench, tmp_path):
    settings: dict[str, Any] = {"samples_per_pass": 1, "max_tokens_total": 1}
    run, steps = stage(attempts_bench, tmp_path, **settings)
    next(steps)
    run.write_checkpoint()
    again, steps = stage(attempts_bench, tmp_path, **settings)
    assert list(steps) == []
    assert again.num_done == 1
    assert len(read_samples(tmp_path)) == 2


def test_sampling_is_a_function_of_the_seed_and_the_stage(attempts_bench, tmp_path):
    first = collected(attempts_bench, tmp_path / "a")
    assert collected(attempts_bench, tmp_path / "b") == first
    _, others = collected(attempts_bench, tmp_path / "c", name="sample_2")
    drawn = {s.token_ids for s in first[1]}
    assert len(drawn & {s.token_ids for s in others}) < len(drawn) / 2


def test_only_the_likeliest_tokens_are_drawn_from(attempts_bench, tmp_path):
    _, samples = collected(attempts_bench, tmp_path, top_k=1)
    assert {len({s.token_ids for s in d}) for d in samples_by_problem(samples).values()} == {1}
    params = config_of(top_k=7, top_p=0.9, temperature=0.5).params(attempts_bench)
    assert (params.top_k, params.top_p, params.temperature) == (7, 0.9, 0.5)


def test_metrics_are_means_over_samples():
    samples = [
        sample("p", reward=1.0, size=2, answer="3"),
        sample("p", reward=0.1, size=6, reason=StopReason.LENGTH),
    ]
    assert sample_metrics(samples, num_asked=8) == pytest.approx(
        {
            "rollout/failed_to_grade": 0.75,
            "rollout/reward": fmean([1.0, 0.1]),
            "rollout/accuracy": 0.5,
            "rollout/answered": 0.5,
            "rollout/length": 4.0,
            "rollout/truncated": 0.5,
        }
    )


def test_batch_of_which_nothing_could_be_graded_has_no_accuracy():
    assert sample_metrics([], num_asked=2) == {"rollout/failed_to_grade": 1.0}
