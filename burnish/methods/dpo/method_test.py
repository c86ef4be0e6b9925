from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from burnish.data.feedback.kinds import FeedbackSet
from burnish.data.tasks.replies import RepliesTask
from burnish.errors import ConfigError, DataError
from burnish.evaluation.reward_curve import read_curve
from burnish.methods.dpo.method import DpoConfig, compared_answers, token_pairs
from burnish.training.stage import Stage, StageRun
from burnish.types import Preference

TASK = RepliesTask(train_size=12, dev_size=6, test_size=2)
SMALL: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 6,
    "optimizer": {"learning_rate": 3e-3, "schedule": "constant"},
}
WARM_UP = {"epochs": 2, "batch_size": 6, "optimizer": {"learning_rate": 1e-2}}


@pytest.fixture
def bench(attempts_bench):
    return replace(attempts_bench, task=TASK)


def config_of(**settings) -> DpoConfig:
    return DpoConfig.model_validate(SMALL | settings)


def run_all(stages: list[Stage], folder: Path) -> tuple[StageRun, dict[str, list]]:
    """The run of the last stage, and the metrics of all; a measure is taken at the end."""
    artifacts: dict[str, Path] = {}
    metrics = {}
    run = None
    for stage in stages:
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
        metrics[stage.name] = [result.metrics for result in stage.run(run)]
        artifacts[stage.name] = run.folder / "last"
        assert run.model is not None
        run.model.save(run.folder / "last")
    assert run is not None
    return run, metrics


def test_warm_up_comes_first_where_there_is_one(bench):
    stages = config_of(warm_up=WARM_UP, hands_on="last").stages(bench)
    assert [(s.name, s.hands_on) for s in stages] == [("warm_up", "last"), ("dpo", "last")]
    assert [(s.name, s.hands_on) for s in DpoConfig().stages(bench)] == [("dpo", "selected")]


def test_warmed_up_model_is_start_and_reference(bench, tmp_path):
    _, metrics = run_all(config_of(warm_up=WARM_UP).stages(bench), tmp_path)
    _, cold = run_all(config_of().stages(bench), tmp_path / "cold")
    first, first_cold = metrics["dpo"][0], cold["dpo"][0]
    assert first["train/loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert first["preference/chosen_reward"] == pytest.approx(0.0, abs=1e-4)
    assert first["preference/chosen_logp"] > first_cold["preference/chosen_logp"] + 1.0


def test_pairs_are_learnt_and_measured_on_dev_pairs(bench, tmp_path):
    run, metrics = run_all(config_of(epochs=10).stages(bench), tmp_path)
    assert metrics["dpo"][-1]["preference/margin"] > 0.3
    assert run.measure is not None
    found = run.measure()
    assert next(iter(found)) == "dev/pair_accuracy"
    assert found["dev/margin"] != 0.0
    assert len((tmp_path / "dpo" / "reference_dev" / "000000.jsonl").read_text().splitlines()) == 6


def test_loss_is_the_one_of_the_recipe(bench, tmp_path):
    _, metrics = run_all(config_of(loss={"type": "ipo", "tau": 0.5}).stages(bench), tmp_path)
    assert metrics["dpo"][0]["train/loss"] == pytest.approx(1.0, abs=1e-3)


def test_answers_can_select_in_place_of_pairs(bench, tmp_path):
    run, _ = run_all(config_of(select_by="answers").stages(bench), tmp_path)
    assert run.measure is None
    assert not (tmp_path / "dpo" / "reference_dev").exists()


def test_stopped_run_ends_as_one_that_was_not_stopped(bench, tmp_path):
    (stage,) = config_of().stages(bench)
    run, whole = run_all([stage], tmp_path / "whole")
    cut = StageRun("dpo", tmp_path / "cut", seed=1, artifacts={})
    begun = [result.metrics for result in islice(stage.run(cut), 3)]
    cut.write_checkpoint()
    again = StageRun("dpo", tmp_path / "cut", seed=1, artifacts={})
    rest = [result.metrics for result in stage.run(again)]
    assert begun + rest == whole["dpo"]
    assert run.model is not None
    assert again.model is not None
    weights = again.model.network.state_dict()
    for name, weight in run.model.network.state_dict().items():
        assert torch.equal(weight, weights[name])
    assert again.measure is not None
    assert run.measure is not None
    assert again.measure() == run.measure()


def test_answers_are_sampled_beside_the_pairs_where_their_curve_is_wanted(bench, tmp_path):
    run, _ = run_all(config_of(dev_answers=1).stages(bench), tmp_path)
    assert run.measure is not None
    found = run.measure()
    assert next(iter(found)) == "dev/pair_accuracy"
    assert found["dev/sampled_kl"] != 0.0
    start, end = read_curve(tmp_path, tmp_path / "dpo"), found["dev/sampled_gold"]
    assert [(point.step, point.kl) for point in start] == [(0, 0.0)]
    assert end == start[0].gold == 0.0


def test_number_of_labels_limits_the_training_pairs_alone(bench, tmp_path):
    _, metrics = run_all(config_of(num_labels=4, epochs=1).stages(bench), tmp_path)
    assert len(metrics["dpo"]) == 1
    assert len((tmp_path / "dpo" / "reference" / "000000.jsonl").read_text().splitlines()) == 4
    assert len((tmp_path / "dpo" / "reference_dev" / "000000.jsonl").read_text().splitlines()) == 6


def test_warm_up_is_selected_by_how_likely_chosen_answers_are(bench, tmp_path):
    (warm_up, _) = config_of(warm_up=WARM_UP).stages(bench)
    run = StageRun("warm_up", tmp_path, seed=1, artifacts={})
    list(warm_up.run(run))
    assert run.measure is not None
    assert next(iter(run.measure())) == "dev/chosen_logp"


def test_task_without_comparisons_is_an_error(attempts_bench):
    with pytest.raises(ConfigError, match="learns from comparisons of answers"):
        config_of().stages(attempts_bench)


def test_answers_of_all_comparisons_are_known_to_a_trimmed_vocabulary(attempts_bench):
    texts = compared_answers(TASK)
    assert len(texts) == 2 * (12 + 6 + 2 + 2)
    pair = TASK.feedback("comparisons", "train").rows[0]
    assert isinstance(pair, Preference)
    assert {pair.chosen, pair.rejected} <= set(texts)
    assert compared_answers(attempts_bench.task) == ()


def test_no_pairs_of_a_split_are_an_error(bench):
    class Uncompared(RepliesTask):
        """Nobody compares anything."""

        def feedback(self, kind, split):
            return FeedbackSet(())

    silent = replace(bench, task=Uncompared(train_size=12, dev_size=6, test_size=2))
    with pytest.raises(DataError, match="no dev comparisons"):
        token_pairs(silent, silent.load_policy(), "dev")
