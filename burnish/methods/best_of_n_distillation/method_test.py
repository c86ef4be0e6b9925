from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.errors import DataError
from burnish.methods.best_of_n_distillation.method import (
    BestOfNDistillationConfig,
    best_of,
    keep_best,
)
from burnish.training.candidate_pairs import Candidate, Judgement
from burnish.training.samples import GradedSample, read_samples
from burnish.training.stage import StageRun
from burnish.types import Score, StopReason

FAST = {"learning_rate": 3e-3, "schedule": "constant", "warmup_ratio": 0}
SMALL: dict[str, Any] = {
    "sample": {"samples_per_problem": 3},
    "judge": {"type": "scores", "by": {"type": "simulated", "length_bias": 0.5}},
    "train": {"epochs": 3, "batch_size": 99, "optimizer": FAST},
}


def candidate(name: str, score: float | None, reward: float = 0.0) -> Candidate:
    verdict = Score(reward, False, None)
    sample = GradedSample("p", (1,), (len(name),), name, verdict, StopReason.EOS)
    return Candidate(sample, Judgement(score, 5))


def test_best_has_the_highest_score_and_the_first_of_several_counts():
    found = best_of([candidate("a", 0.1), candidate("b", 0.7), candidate("c", 0.7)])
    assert found is not None
    assert found.sample.text == "b"
    assert best_of([candidate("a", None)]) is None


def test_counts_say_what_choosing_was_worth_and_cost(tmp_path):
    groups = [
        [candidate("a", 0.1, 0.2), candidate("b", 0.7, 0.6)],
        [candidate("c", None, 0.1)],
    ]
    keep_best(tmp_path, groups)
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert (counts["kept"], counts["unreadable"], counts["judge_tokens"]) == (1, 1, 15)
    assert counts["reward_of_best"] == 0.6
    assert counts["reward_of_all"] == pytest.approx(0.3)


def test_no_score_at_all_stops_the_run(tmp_path):
    with pytest.raises(DataError, match="of 1 answers none got a score"):
        keep_best(tmp_path, [[candidate("a", None)]])


def test_best_answers_become_likelier(attempts_bench, tmp_path):
    bench = replace(attempts_bench, task=RepliesTask(train_size=8, dev_size=4, test_size=2))
    artifacts: dict[str, Path] = {}
    metrics = {}
    for stage in BestOfNDistillationConfig.model_validate(SMALL).stages(bench):
        run = StageRun(stage.name, tmp_path / stage.name, seed=1, artifacts=artifacts)
        metrics[stage.name] = [result.metrics for result in stage.run(run)]
        artifacts[stage.name] = run.folder
    losses = [row["train/loss"] for row in metrics["distil"]]
    assert losses[-1] < losses[0]
    best = (artifacts["judge"] / "best.jsonl").read_text().splitlines()
    assert len(best) == 8 == len(read_samples(artifacts["sample"])) / 3
