from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from burnish.errors import ConfigError
from burnish.methods.rlaif.method import RlaifConfig
from burnish.training.judging.labelling import read_labels
from burnish.training.samples import read_samples

FAST = {"learning_rate": 3e-3, "schedule": "constant", "warmup_ratio": 0}
SMALL: dict[str, Any] = {
    "sft": {"epochs": 1, "batch_size": 8, "optimizer": FAST},
    "judge": {"type": "simulated", "length_bias": 0.5},
    "reward_model": {"fit": {"epochs": 2, "batch_size": 8, "optimizer": FAST}},
    "reinforce": {
        "num_steps": 2,
        "batch_size": 4,
        "samples_per_problem": 2,
        "max_logp_gap": 1e9,
        "optimizer": FAST,
    },
}


def config_of(**settings) -> RlaifConfig:
    return RlaifConfig.model_validate(SMALL | settings)


def weights(bench, folder):
    return bench.load_policy(folder).network.state_dict()


def same(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_sft_is_left_out_where_the_recipe_has_none(bench):
    named = [stage.name for stage in config_of(sft=None).stages(bench)]
    assert named == ["sample", "label", "reward_model", "rlaif"]


def test_defaults_are_the_papers():
    config = RlaifConfig().reinforce
    assert (config.kl.coef, config.optimizer.learning_rate) == (0.05, 1e-5)
    assert (config.batch_size, config.epochs, config.temperature) == (128, 8, 0.9)
    assert (config.gae_lambda, config.ppo.num_epochs) == (1.0, 1)
    assert RlaifConfig().judge.type == "model"


def test_answers_of_the_sft_model_are_labelled_learnt_and_reinforced(bench, run_all, tmp_path):
    artifacts, metrics = run_all(config_of().stages(bench), tmp_path)
    assert [*artifacts] == ["sft", "sample", "label", "reward_model", "rlaif"]
    texts = {(s.problem_id, s.text.strip()) for s in read_samples(artifacts["sample"])}
    labels = read_labels(artifacts["label"])
    assert labels
    assert {(row.problem_id, row.first) for row in labels} <= texts
    assert {row.label.judge for row in labels} == {"simulated"}
    first, *_ = metrics["rlaif"]
    assert first["ppo/kl"] == pytest.approx(0.0, abs=1e-4)  # RL starts from the SFT model
    assert "grader/reward_model" in first
    assert not same(weights(bench, artifacts["sft"]), weights(bench, artifacts["rlaif"]))


def test_labels_of_people_are_mixed_in_and_told_apart(bench, run_all, tmp_path):
    mix = SMALL["reward_model"] | {"human_labels": 5, "human_weight": 2.0, "judge_weight": 0.5}
    config = config_of(reward_model=mix)
    run_all(config.stages(bench)[:-1], tmp_path)
    sources = json.loads((tmp_path / "reward_model" / "sources.json").read_text())
    assert sources["simulated"] == {"rows": 5.0, "weight": 10.0}
    judged = sources["ai:simulated"]
    assert judged["weight"] == 0.5 * judged["rows"]


def test_reward_model_starts_from_the_policy_or_from_the_recipes_model(bench, run_all, tmp_path):
    slow = {"learning_rate": 1e-12, "schedule": "constant", "warmup_ratio": 0}
    found = {}
    for start in ("sft", "model"):
        fit = {"start": start, "fit": {"optimizer": slow}}
        artifacts, _ = run_all(config_of(reward_model=fit).stages(bench)[:-1], tmp_path / start)
        found[start] = bench.load_reward_model(artifacts["reward_model"]).network.state_dict()
    name = next(name for name in found["sft"] if name.endswith("mlp.up_proj.weight"))
    whole = name if name in weights(bench, None) else f"model.{name}"
    torch.testing.assert_close(found["model"][name], weights(bench, None)[whole])
    assert not torch.equal(found["sft"][name], found["model"][name])


def test_task_without_a_true_reward_needs_no_grader(bench, run_all, tmp_path):
    """Samples to be compared are not graded: a grader that fails is never asked."""

    class Fails:
        def grade(self, pairs):
            raise AssertionError

    config = config_of(sft=None)
    artifacts, _ = run_all(config.stages(replace(bench, grader=Fails()))[:2], tmp_path)
    assert read_labels(artifacts["label"])


def test_trimmed_vocabulary_is_an_error(bench):
    model = bench.model.model_copy(update={"trim_vocabulary": True})
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        config_of().stages(replace(bench, model=model))


def test_same_run_again_is_the_same(bench, run_all, tmp_path):
    config = config_of(judge={"type": "simulated", "noise": 0.3, "length_bias": 0.5})
    first = run_all(config.stages(bench), tmp_path / "a")
    again = run_all(config.stages(bench), tmp_path / "b")
    assert first[1] == again[1]
