from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from burnish.methods.self_rewarding.method import SelfRewardingConfig
from burnish.models.policy import Policy
from burnish.training.candidate_judging import judge_metrics
from burnish.training.candidate_pairs import Judgement
from burnish.training.conftest import run_all
from burnish.training.preference_loss import DpoLoss
from burnish.training.preference_pairs import read_pairs
from burnish.training.samples import GradedSample, read_samples
from burnish.training.stage import StageRun
from burnish.training.workbench import Workbench
from burnish.types import Score, StopReason

SMALL: dict[str, Any] = {
    "sample": {"samples_per_problem": 4, "temperature": 1.0},
    "judge": {"type": "grader"},
    "judge_batch_size": 2,
    "train": {
        "epochs": 4,
        "batch_size": 99,
        "hands_on": "last",
        "optimizer": {"learning_rate": 1e-2, "schedule": "constant"},
    },
}


def config_of(**settings) -> SelfRewardingConfig:
    return SelfRewardingConfig.model_validate(SMALL | settings)


def mean_logp(policy: Policy, folder: Path) -> float:
    """Mean over the pairs of the chosen answer's log-probability."""
    total = 0.0
    pairs = read_pairs(folder / "pairs.jsonl")
    for pair in pairs:
        ids = torch.tensor([pair.prompt_ids + pair.chosen_ids])
        with torch.no_grad():
            logp = policy.network(ids).logits[0, :-1].log_softmax(-1)
        total += logp.gather(1, ids[0, 1:, None])[len(pair.prompt_ids) - 1 :, 0].sum().item()
    return total / len(pairs)


def test_rounds_are_stages_behind_the_warm_up():
    stages = config_of(warm_up={"epochs": 1}).stages(cast("Workbench", None))
    assert [(stage.name, stage.hands_on) for stage in stages] == [
        ("warm_up", "last"),
        ("sample_1", None),
        ("judge_1", None),
        ("train_1", "last"),
        ("sample_2", None),
        ("judge_2", None),
        ("train_2", "last"),
    ]


def test_defaults_are_the_papers():
    config = SelfRewardingConfig()
    sample, train = config.sample, config.train
    assert (sample.samples_per_problem, sample.temperature, sample.top_p) == (4, 0.7, 0.9)
    assert train.loss == DpoLoss(beta=0.1)
    assert (train.optimizer.learning_rate, train.epochs) == (3e-6, 2)
    assert config.judge.type == "policy"


def test_each_round_begins_with_the_model_of_the_round_before_and_refers_to_it(
    attempts_bench, tmp_path
):
    artifacts, metrics = run_all(config_of().stages(attempts_bench), tmp_path)
    for number, before in ((1, None), (2, artifacts["train_1"])):
        first = metrics[f"train_{number}"][0]
        policy = attempts_bench.load_policy(before)
        expected = mean_logp(policy, artifacts[f"judge_{number}"])
        assert first["preference/chosen_logp"] == pytest.approx(expected, rel=1e-4)
        assert first["train/loss"] == pytest.approx(0.6931, abs=1e-3)
        assert metrics[f"train_{number}"][-1]["preference/margin"] > 0.1
    moved = mean_logp(attempts_bench.load_policy(), artifacts["judge_2"])
    assert abs(moved - metrics["train_2"][0]["preference/chosen_logp"]) > 0.05


def test_candidates_of_one_problem_are_paired_by_their_score(attempts_bench, tmp_path):
    artifacts, _ = run_all(config_of(rounds=1).stages(attempts_bench), tmp_path)
    reward = {
        (s.problem_id, s.token_ids): s.score.reward for s in read_samples(artifacts["sample_1"])
    }
    pairs = read_pairs(artifacts["judge_1"] / "pairs.jsonl")
    counts = json.loads((artifacts["judge_1"] / "counts.json").read_text())
    assert len(pairs) == counts["pairs"] > 2
    for pair in pairs:
        of_problem = [r for (problem_id, _), r in reward.items() if problem_id == pair.problem_id]
        assert reward[pair.problem_id, pair.chosen_ids] == max(of_problem)
        assert reward[pair.problem_id, pair.rejected_ids] == min(of_problem)


def test_stopped_judge_judges_only_what_is_missing_and_ends_the_same(attempts_bench, tmp_path):
    stages = config_of(rounds=1).stages(attempts_bench)
    whole, metrics = run_all(stages[:2], tmp_path)

    def judged() -> StageRun:
        return StageRun("judge_1", tmp_path / "cut", seed=1, artifacts=whole)

    begun = [result.metrics for result in islice(stages[1].run(judged()), 1)]
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "cut" / "pieces").iterdir()}
    assert not (tmp_path / "cut" / "pairs.jsonl").exists()
    again = [result.metrics for result in stages[1].run(judged())]
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "cut" / "pieces").iterdir()}
    assert again == metrics["judge_1"]
    assert begun == again[:1]
    assert len(before) == 1
    assert len(after) == 3
    assert before.items() <= after.items()
    for name in ("pairs.jsonl", "counts.json"):
        assert (tmp_path / "cut" / name).read_text() == (whole["judge_1"] / name).read_text()


def test_metrics_of_a_judge_tell_right_answers_from_wrong_ones():
    def drawn(right: bool) -> GradedSample:
        score = Score(float(right), right, None)
        return GradedSample("p", (1,), (2,), "x", score, StopReason.EOS)

    found = judge_metrics(
        [drawn(True), drawn(True), drawn(False), drawn(False)],
        [Judgement(4.0), Judgement(2.0), Judgement(1.5), Judgement(None)],
    )
    assert found == {
        "judge/readable": 0.75,
        "judge/score": 2.5,
        "judge/score_of_right": 3.0,
        "judge/score_of_wrong": 1.5,
    }
    assert judge_metrics([drawn(True)], [Judgement(None)]) == {"judge/readable": 0.0}
