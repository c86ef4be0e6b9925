from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.methods.iterative_dpo.method import IterativeDpoConfig
from burnish.training.judging.judge_grader import TrueRewardGrader
from burnish.training.preference_pairs import read_pairs
from burnish.training.samples import read_samples
from burnish.training.stage import Stage, StageRun
from burnish.training.workbench import Workbench

FAST = {"learning_rate": 3e-3, "schedule": "constant", "warmup_ratio": 0}
LIKES_LENGTH = {"type": "simulated", "length_bias": 0.5}
SMALL: dict[str, Any] = {
    "rounds": 2,
    "judge": {"type": "pairs", "by": LIKES_LENGTH},
    "judge_batch_size": 4,
    "train": {"epochs": 2, "batch_size": 99, "hands_on": "last", "optimizer": FAST},
}


@pytest.fixture
def bench(attempts_bench) -> Workbench:
    task = RepliesTask(train_size=10, dev_size=4, test_size=2)
    return replace(attempts_bench, task=task, grader=TrueRewardGrader(task))


def config_of(**settings) -> IterativeDpoConfig:
    return IterativeDpoConfig.model_validate(SMALL | settings)


def run_all(stages: list[Stage], folder: Path):
    """What the driver does, as far as the stages can tell; with the last dev numbers."""
    artifacts: dict[str, Path] = {}
    metrics, measured = {}, {}
    for stage in stages:
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
        metrics[stage.name] = [result.metrics for result in stage.run(run)]
        measured[stage.name] = run.measure() if run.measure is not None else {}
        artifacts[stage.name] = run.folder
        if run.model is not None:
            run.model.save(run.folder)
    return artifacts, metrics, measured


def test_rounds_are_stages_behind_sft(bench):
    stages = config_of(sft={"epochs": 1}).stages(bench)
    assert [(stage.name, stage.hands_on) for stage in stages] == [
        ("sft", "last"),
        ("sample_1", None),
        ("judge_1", None),
        ("train_1", "last"),
        ("sample_2", None),
        ("judge_2", None),
        ("train_2", "last"),
    ]


def test_each_round_samples_the_latest_model_and_refers_to_it(bench, tmp_path):
    artifacts, metrics, measured = run_all(config_of().stages(bench), tmp_path)
    for number in (1, 2):
        rows = metrics[f"train_{number}"]
        assert rows[0]["train/loss"] == pytest.approx(0.6931, abs=1e-3)
        assert rows[-1]["preference/margin"] > 0.0
        counts = json.loads((artifacts[f"judge_{number}"] / "counts.json").read_text())
        assert counts["pairs"] == len(read_pairs(artifacts[f"judge_{number}"] / "pairs.jsonl"))
    first, second = (read_samples(artifacts[f"sample_{n}"]) for n in (1, 2))
    assert {s.text for s in first} != {s.text for s in second}
    assert measured["train_2"]["dev/sampled_kl"] != measured["train_1"]["dev/sampled_kl"]


def test_longest_answer_is_chosen_by_a_judge_that_likes_length(bench, tmp_path):
    artifacts, *_ = run_all(config_of(rounds=1).stages(bench)[:2], tmp_path)
    words: dict[str, list[int]] = {}
    of_tokens = {}
    for sample in read_samples(artifacts["sample_1"]):
        words.setdefault(sample.problem_id, []).append(len(sample.text.split()))
        of_tokens[sample.token_ids] = len(sample.text.split())
    for pair in read_pairs(artifacts["judge_1"] / "pairs.jsonl"):
        assert of_tokens[pair.chosen_ids] == max(words[pair.problem_id])
        assert of_tokens[pair.rejected_ids] == min(words[pair.problem_id])


def test_rounds_are_validated_by_duels_on_held_out_prompts(bench, tmp_path):
    _, _, measured = run_all(config_of(rounds=1).stages(bench), tmp_path)
    found = measured["train_1"]
    assert next(iter(found)) == "dev/win_rate"
    assert 0.0 <= found["dev/win_rate"] <= 1.0
    assert found["dev/undecided"] == 0.0
    assert "dev/sampled_gold" in found


@pytest.mark.parametrize(
    "judge", [{"type": "scores", "by": LIKES_LENGTH}, {"type": "grader"}], ids=["scores", "grader"]
)
def test_others_may_judge(bench, tmp_path, judge):
    class Letters:
        """Pays for letters, so that answers differ."""

        def grade(self, pairs):
            graded = TrueRewardGrader(bench.task).grade(pairs)
            return [
                replace(score, reward=float(len(c.text)))
                for score, (_, c) in zip(graded, pairs, strict=True)
            ]

    judged = replace(bench, grader=Letters())
    artifacts, *_ = run_all(config_of(rounds=1, judge=judge).stages(judged)[:2], tmp_path)
    assert len(read_pairs(artifacts["judge_1"] / "pairs.jsonl")) > 5


def test_same_run_again_is_the_same(bench, tmp_path):
    first = run_all(config_of().stages(bench), tmp_path / "a")
    again = run_all(config_of().stages(bench), tmp_path / "b")
    assert first[1:] == again[1:]
