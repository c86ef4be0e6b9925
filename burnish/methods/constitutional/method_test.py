from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from burnish.errors import ConfigError
from burnish.methods.constitutional.method import ConstitutionalConfig
from burnish.training.conftest import run_all
from burnish.training.judging.labelling import read_labels

OPTIMIZER = {"learning_rate": 3e-3, "schedule": "constant", "warmup_ratio": 0.0}
SMALL: dict[str, Any] = {
    "constitution": "builtin:replies",
    "revise": {"rounds": 1, "dialogue": {"exemplars": None}},
    "supervise": {"batch_size": 8, "optimizer": OPTIMIZER},
    "feedback": {"principles_per_pair": 2, "min_mass": 0.0},
    "preference_model": {"human_labels": 5, "fit": {"batch_size": 8, "optimizer": OPTIMIZER}},
    "reinforce": {
        "num_steps": 2,
        "batch_size": 4,
        "samples_per_problem": 2,
        "max_logp_gap": 1e9,
        "optimizer": OPTIMIZER,
    },
}


def config_of(**settings) -> ConstitutionalConfig:
    return ConstitutionalConfig.model_validate(SMALL | settings)


def weights(bench, folder: Path | None):
    return bench.load_policy(folder).network.state_dict()


def differ(first, second) -> bool:
    return any(not torch.equal(first[name], second[name]) for name in first)


def test_both_halves_run_and_each_model_comes_from_the_one_before(talking_bench, tmp_path):
    config = config_of()
    artifacts, metrics = run_all(config.stages(talking_bench), tmp_path)
    assert list(artifacts) == ["revise", "sl_cai", "sample", "label", "preference_model", "rl_cai"]
    start, supervised = weights(talking_bench, None), weights(talking_bench, artifacts["sl_cai"])
    assert differ(start, supervised)
    assert differ(supervised, weights(talking_bench, artifacts["rl_cai"]))
    assert metrics["rl_cai"][0]["ppo/kl"] == pytest.approx(0.0, abs=1e-4)
    assert "grader/preference_model" in metrics["rl_cai"][0]
    first = metrics["preference_model"][0]
    assert first["data/rows_by_simulated"] == 5.0
    labels = read_labels(artifacts["label"])
    assert sum(n for name, n in first.items() if name.startswith("data/rows_by_ai:")) < len(labels)


def test_labels_are_by_principles_of_the_constitution(talking_bench, constitution, tmp_path):
    artifacts, _ = run_all(config_of().stages(talking_bench)[:4], tmp_path)
    comparisons = {principle.comparison for principle in constitution.principles}
    asked = [
        {reading.principle for reading in row.label.readings}
        for row in read_labels(artifacts["label"])
    ]
    assert asked
    assert all(len(own) == 2 and own <= comparisons for own in asked)


@pytest.mark.parametrize("start", ["model", "helpful"])
def test_helpful_start_model_answers_and_revisions_are_learnt_by_the_one_that_is_named(
    talking_bench, tmp_path, start
):
    nothing = {"epochs": 1, "batch_size": 8, "optimizer": {**OPTIMIZER, "learning_rate": 1e-30}}
    config = config_of(
        helpful={"epochs": 1, "batch_size": 8, "optimizer": OPTIMIZER},
        supervise={**nothing, "start": start},
    )
    artifacts, _ = run_all(config.stages(talking_bench)[:3], tmp_path)
    assert list(artifacts) == ["helpful", "revise", "sl_cai"]
    learnt = weights(talking_bench, artifacts["sl_cai"])
    assert differ(learnt, weights(talking_bench, None)) == (start == "helpful")
    assert differ(learnt, weights(talking_bench, artifacts["helpful"])) == (start == "model")


def test_broken_files_and_trimmed_vocabularies_are_errors_before_anything_runs(
    talking_bench, tmp_path
):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"principles": []}))
    with pytest.raises(ConfigError, match="there is none"):
        config_of(constitution=str(tmp_path / "c.yaml")).stages(talking_bench)
    with pytest.raises(ConfigError, match="critiques"):
        config_of(revise={"dialogue": {"exemplars": "nowhere.yaml"}}).stages(talking_bench)
    trimmed = talking_bench.model.model_copy(update={"trim_vocabulary": True})
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        config_of().stages(replace(talking_bench, model=trimmed))
