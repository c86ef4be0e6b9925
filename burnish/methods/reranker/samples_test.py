from __future__ import annotations

from itertools import islice

import pytest

from burnish.data.tasks.task import Split
from burnish.methods.reranker.samples import (
    LabelledSample,
    SamplesConfig,
    collect_samples,
    distinct_samples,
    read_samples,
)
from burnish.training.stage import StageRun
from burnish.types import Group, Problem, Score, StopReason, Trajectory

CONFIG = SamplesConfig(num_samples=12, num_dev_samples=4, batch_size=4)


def trajectory(text: str, is_correct: bool, stop: StopReason = StopReason.EOS) -> Trajectory:
    score = Score(float(is_correct), is_correct, "7" if is_correct else None)
    return Trajectory("p", (1,), (True,), (0.0,), (0.0,), score, stop, text)


def collected(bench, folder):
    run = StageRun("samples", folder, seed=1, artifacts={})
    return [r.metrics for r in collect_samples(run, bench=bench, config=CONFIG, policy_folder=None)]


def test_repeats_of_a_text_are_its_first_sample_with_a_count():
    cut = trajectory("b", True, StopReason.LENGTH)
    rows = (trajectory("b", True), trajectory("a", False), cut)
    found = distinct_samples([Group(Problem("p", "?", "7"), rows)])
    assert found == [
        LabelledSample("p", "b", True, "7", StopReason.EOS, 2),
        LabelledSample("p", "a", False, None, StopReason.EOS, 1),
    ]


def test_the_same_text_of_two_problems_is_two_samples():
    groups = [Group(Problem(i, "?", "7"), (trajectory("a", False),)) for i in ("p", "q")]
    assert [sample.problem_id for sample in distinct_samples(groups)] == ["p", "q"]


def test_train_and_dev_are_sampled_apart_and_labelled_by_the_grader(bench, tmp_path):
    metrics = collected(bench, tmp_path)
    assert len(metrics) == 3 + 2  # 10 train and 6 dev problems, four a step
    expected: dict[Split, int] = {"train": 12, "dev": 4}
    for split, num_samples in expected.items():
        problems = {problem.id: problem for problem in bench.problems(split)}
        samples = read_samples(tmp_path, split)
        assert {s.problem_id for s in samples} == problems.keys()
        assert sum(s.count for s in samples) == num_samples * len(problems)
        for s in samples:
            assert s.is_correct == (s.text == bench.task.target(problems[s.problem_id]))
    assert bench.num_asked == 10 * 12 + 6 * 4


def test_metrics_count_repeats_where_they_should(bench, tmp_path):
    first = collected(bench, tmp_path)[0]
    asked = {problem.id for problem in bench.problems("train")[:4]}
    samples = [s for s in read_samples(tmp_path, "train") if s.problem_id in asked]
    right = sum(s.count for s in samples if s.is_correct)
    assert first["rollout/accuracy"] == pytest.approx(right / 48)
    assert first["rollout/distinct"] == pytest.approx(len(samples) / 48)
    assert first["rollout/failed_to_grade"] == 0.0


def test_a_stopped_stage_samples_only_what_is_missing_and_ends_the_same(bench, tmp_path):
    whole = collected(bench, tmp_path / "whole")
    lines = (tmp_path / "whole" / "train.jsonl").read_text()

    run = StageRun("samples", tmp_path / "cut", seed=1, artifacts={})
    steps = collect_samples(run, bench=bench, config=CONFIG, policy_folder=None)
    assert len(list(islice(steps, 2))) == 2
    assert not (tmp_path / "cut" / "train.jsonl").exists()

    before = bench.num_asked
    assert collected(bench, tmp_path / "cut") == whole
    assert (tmp_path / "cut" / "train.jsonl").read_text() == lines
    assert bench.num_asked - before == 2 * 12 + 6 * 4
