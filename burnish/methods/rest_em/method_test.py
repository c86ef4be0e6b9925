from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch

from burnish.methods.rest_em.method import RestEmConfig
from burnish.models.policy import Policy
from burnish.training.conftest import run_all
from burnish.training.kept_samples import read_kept
from burnish.training.samples import read_samples
from burnish.training.workbench import Workbench

SMALL: dict[str, Any] = {
    "sample": {"samples_per_problem": 6, "temperature": 1.0, "top_k": 0},
    "max_kept_per_problem": 2,
    "train": {
        "epochs": 3,
        "batch_size": 99,
        "optimizer": {"learning_rate": 3e-2, "schedule": "constant"},
    },
}
WARM_UP = {"epochs": 1, "optimizer": {"learning_rate": 3e-2, "schedule": "constant"}}


def config_of(**settings) -> RestEmConfig:
    return RestEmConfig.model_validate(SMALL | settings)


def surprise(policy: Policy, folder: Path) -> float:
    """Mean loss of a model on the tokens of all samples that a stage has drawn or kept."""
    losses = []
    rows = read_kept(folder)
    for row in rows:
        ids = torch.tensor([row.prompt_ids + row.token_ids])
        with torch.no_grad():
            logp = policy.network(ids).logits[0, :-1].log_softmax(-1)
        losses.append(-logp.gather(1, ids[0, 1:, None])[len(row.prompt_ids) - 1 :, 0])
    return torch.cat(losses).mean().item()


def test_rounds_are_stages_behind_the_warm_up():
    stages = config_of(warm_up=WARM_UP, hands_on="last").stages(cast("Workbench", None))
    assert [(stage.name, stage.hands_on) for stage in stages] == [
        ("warm_up", "last"),
        ("sample_1", None),
        ("train_1", "last"),
        ("sample_2", None),
        ("train_2", "last"),
    ]
    alone = RestEmConfig(iterations=1).stages(cast("Workbench", None))
    assert [stage.name for stage in alone] == ["sample_1", "train_1"]


def test_defaults_are_the_papers():
    config = RestEmConfig()
    sample = config.sample
    assert (sample.samples_per_problem, sample.temperature, sample.top_k) == (32, 0.7, 40)
    assert config.max_kept_per_problem == 10


@pytest.mark.parametrize("warm_up", [None, WARM_UP])
def test_each_round_samples_the_latest_model_and_trains_from_the_base(
    attempts_bench, tmp_path, warm_up
):
    """A round's first update sees the base model's loss on what the round before's model made."""
    artifacts, metrics = run_all(config_of(warm_up=warm_up).stages(attempts_bench), tmp_path)
    base = attempts_bench.load_policy(artifacts.get("warm_up"))
    trained = attempts_bench.load_policy(artifacts["train_1"])
    of_base, of_trained = (
        surprise(base, tmp_path / "sample_2"),
        surprise(trained, tmp_path / "sample_2"),
    )
    assert metrics["train_2"][0]["train/loss"] == pytest.approx(of_base, rel=1e-4)
    assert metrics["train_1"][0]["train/loss"] == pytest.approx(
        surprise(base, tmp_path / "sample_1"), rel=1e-4
    )
    assert of_trained < of_base - 0.05


def test_right_samples_of_the_round_are_kept_and_capped(attempts_bench, tmp_path):
    artifacts, _ = run_all(config_of(iterations=1).stages(attempts_bench), tmp_path)
    samples, kept = read_samples(artifacts["sample_1"]), read_kept(artifacts["sample_1"])
    assert len(samples) == 36
    assert all(sample.score.is_correct for sample in kept)
    assert max(sum(k.problem_id == s.problem_id for k in kept) for s in kept) == 2


def test_same_run_again_is_the_same(attempts_bench, tmp_path):
    first = run_all(config_of().stages(attempts_bench), tmp_path / "a")
    again = run_all(config_of().stages(attempts_bench), tmp_path / "b")
    assert first[1] == again[1]
