from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from burnish.errors import DataError
from burnish.methods.self_training.method import SelfTrainingConfig
from burnish.models.policy import Policy
from burnish.training.conftest import run_all
from burnish.training.kept_samples import read_kept
from burnish.training.samples import read_samples
from burnish.training.stage import StageRun
from burnish.training.supervised import measure_of_imitation
from burnish.training.workbench import Workbench
from burnish.types import Example, GraderFailure, Score

FAST = {"learning_rate": 3e-2, "schedule": "constant"}
WARM_UP = {"epochs": 1, "optimizer": FAST}
OFFLINE: dict[str, Any] = {
    "type": "offline",
    "sample": {"samples_per_problem": 6},
    "max_kept_per_problem": 2,
    "train": {"epochs": 2, "batch_size": 99, "optimizer": FAST},
}
ONLINE: dict[str, Any] = {
    "type": "online",
    "num_steps": 3,
    "batch_size": 3,
    "samples_per_problem": 4,
    "optimizer": FAST,
}


def config_of(sampled: dict[str, Any], **settings: Any) -> SelfTrainingConfig:
    return SelfTrainingConfig.model_validate({"warm_up": WARM_UP, "sampled": sampled} | settings)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"sampled": OFFLINE}, ["warm_up", "sample", "self_training"]),
        ({"sampled": ONLINE}, ["warm_up", "self_training"]),
        ({"sampled": ONLINE, "warm_up": None}, ["self_training"]),
    ],
    ids=["offline", "online", "no warm-up"],
)
def test_stages_of_each_kind(settings, names):
    stages = SelfTrainingConfig.model_validate(settings).stages(cast("Workbench", None))
    assert [stage.name for stage in stages] == names
    assert stages[-1].hands_on == "selected"


def test_defaults_are_the_papers():
    config = SelfTrainingConfig().sampled
    assert config.type == "offline"
    assert (config.sample.samples_per_problem, config.sample.temperature) == (100, 1.0)
    assert (config.max_kept_per_problem, config.repeats, config.annotated) == (
        10,
        "left_out",
        "added",
    )
    assert config.train.epochs == 20


def surprise(policy: Policy, examples: list[Example]) -> float:
    """Mean loss of a target token."""
    return -measure_of_imitation(policy, examples, max_tokens=500)()["dev/logp"]


@pytest.mark.parametrize("annotated", ["added", "left_out"])
def test_offline_imitates_kept_and_annotated_answers_from_the_recipes_model(
    attempts_bench, tmp_path, annotated
):
    """The first update, on all rows, sees the loss of a model that has learnt nothing."""
    stages = config_of(OFFLINE | {"annotated": annotated}).stages(attempts_bench)
    folders, metrics = run_all(stages, tmp_path)
    kept = read_kept(folders["sample"])
    assert 0 < len(kept) <= 12
    assert len({(s.problem_id, s.token_ids) for s in kept}) == len(kept)
    base = attempts_bench.load_policy()
    examples = [s.example() for s in kept]
    if annotated == "added":
        renderer = attempts_bench.renderer(base)
        examples += [renderer.example(problem) for problem in attempts_bench.problems("train")]
    first = metrics["self_training"][0]["train/loss"]
    assert first == pytest.approx(surprise(base, examples), rel=1e-4)
    warmed = attempts_bench.load_policy(folders["warm_up"])
    assert first != pytest.approx(surprise(warmed, examples), rel=1e-2)


def test_offline_samples_the_warm_ups_model(attempts_bench, tmp_path):
    longer = WARM_UP | {"epochs": 3}
    once, _ = run_all(config_of(OFFLINE).stages(attempts_bench), tmp_path / "once")
    thrice, _ = run_all(
        config_of(OFFLINE, warm_up=longer).stages(attempts_bench), tmp_path / "thrice"
    )
    assert len(read_samples(once["sample"])) == 36
    assert read_samples(once["sample"]) != read_samples(thrice["sample"])


def loss_at_first(bench: Workbench, folder: Path, weight: float) -> float:
    config = config_of(ONLINE | {"annotated_weight": weight, "num_epochs": 1})
    _, metrics = run_all(config.stages(bench), folder)
    return metrics["self_training"][0]["train/loss"]


def test_online_loss_is_the_weighted_sum_of_both(attempts_bench, tmp_path):
    own, annotated, mixed = (
        loss_at_first(attempts_bench, tmp_path / str(weight), weight) for weight in (0.0, 1.0, 0.25)
    )
    assert mixed == pytest.approx(0.75 * own + 0.25 * annotated, rel=1e-4)
    assert own != pytest.approx(annotated, rel=1e-2)


def test_online_imitates_right_samples_of_the_policy_as_it_is_now(attempts_bench, tmp_path):
    """A policy that learns answers otherwise from the second step on, one that stays does not."""
    rewards = []
    for rate in (3e-2, 1e-9):
        slow = {"learning_rate": rate, "schedule": "constant"}
        config = config_of(ONLINE | {"optimizer": slow}, warm_up=None)
        _, metrics = run_all(config.stages(attempts_bench), tmp_path / str(rate))
        steps = metrics["self_training"]
        assert len(steps) == 3
        for row in steps:
            assert row["self_training/imitated"] == round(12 * row["rollout/accuracy"])
        rewards.append([row["rollout/reward"] for row in steps])
    learning, still = rewards
    assert learning[0] == still[0]
    assert learning[1] != still[1]


def test_a_stopped_online_stage_goes_on_as_if_it_had_not_been(attempts_bench, tmp_path):
    (stage,) = config_of(ONLINE, warm_up=None).stages(attempts_bench)
    whole_run = StageRun(stage.name, tmp_path / "whole", seed=1, artifacts={})
    whole = [result.metrics for result in stage.run(whole_run)]
    stopped = StageRun(stage.name, tmp_path / "stopped", seed=1, artifacts={})
    next(stage.run(stopped))
    stopped.write_checkpoint()
    resumed = StageRun(stage.name, tmp_path / "stopped", seed=1, artifacts={})
    assert [result.metrics for result in stage.run(resumed)] == whole[1:]


class Strict:
    """Nothing is right."""

    def grade(self, pairs) -> list[Score | GraderFailure]:
        return [Score(0.0, False, None) for _ in pairs]


def strict(bench: Workbench) -> Workbench:
    return Workbench(
        model=bench.model,
        task=bench.task,
        grader=Strict(),
        lengths=bench.lengths,
        compute=bench.compute,
        seed=3,
    )


def test_offline_without_a_right_sample_stops_and_leaves_the_counts(attempts_bench, tmp_path):
    stages = config_of(OFFLINE, warm_up=None).stages(strict(attempts_bench))
    with pytest.raises(DataError, match=r"of 36 samples none is right"):
        run_all(stages, tmp_path)
    assert json.loads((tmp_path / "sample" / "counts.json").read_text())["right"] == 0


@pytest.mark.parametrize(("weight", "learns"), [(0.5, True), (0.0, False)])
def test_online_without_a_right_sample_imitates_annotations_alone(
    attempts_bench, tmp_path, weight, learns
):
    config = config_of(ONLINE | {"annotated_weight": weight}, warm_up=None)
    _, metrics = run_all(config.stages(strict(attempts_bench)), tmp_path)
    assert [("train/loss" in row) for row in metrics["self_training"]] == [learns] * 3
