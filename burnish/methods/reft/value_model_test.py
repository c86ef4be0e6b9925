from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from burnish.data.step_rows import StepRowsConfig
from burnish.errors import ConfigError, ModelError
from burnish.methods.reft.method import ReftConfig
from burnish.training.stage import StageRun

PAID = ReftConfig.model_validate(
    {
        "warm_up": {"epochs": 1},
        "value_model": {
            "data": {
                "type": "monte_carlo",
                "num_solutions": 3,
                "num_dev_solutions": 3,
                "num_completions": 2,
            },
            "fit": {"epochs": 1},
        },
        "reinforce": {
            "num_steps": 1,
            "batch_size": 4,
            "samples_per_problem": 2,
            "max_logp_gap": 1e9,
            "process_reward": {"steps": {"type": "sentence"}},
        },
    }
)


def test_one_run_warms_up_labels_steps_fits_values_and_pays_with_them(steps_bench, tmp_path):
    artifacts: dict[str, Path] = {}
    metrics = {}
    for stage in PAID.stages(steps_bench):
        run = StageRun(stage.name, tmp_path / stage.name, seed=1, artifacts=artifacts)
        metrics[stage.name] = [result.metrics for result in stage.run(run)]
        artifacts[stage.name] = run.folder
        if run.model is not None:
            run.model.save(run.folder)
    assert [*metrics] == ["warm_up", "labels", "process_reward", "reft"]
    assert metrics["labels"][0]["labels/steps"] > metrics["labels"][0]["labels/solutions"]
    assert metrics["reft"][0]["process/steps"] > 1
    assert metrics["reft"][0]["process/dense_share"] > 0


@pytest.mark.parametrize("name", ["labels", "process_reward"])
def test_steps_are_completed_and_valued_from_the_warm_up_on(name, steps_bench, tmp_path):
    artifacts = {"warm_up": tmp_path / "nowhere", "labels": tmp_path}
    (stage,) = (stage for stage in PAID.stages(steps_bench) if stage.name == name)
    with pytest.raises(ModelError, match="nowhere"):
        next(stage.run(StageRun(name, tmp_path / name, seed=1, artifacts=artifacts)))


def test_only_policies_are_said_to_be_policies(steps_bench):
    stages = {stage.name: (stage.hands_on, stage.trains) for stage in PAID.stages(steps_bench)}
    assert stages == {
        "warm_up": ("last", "policy"),
        "labels": (None, "policy"),
        "process_reward": ("selected", "value_model"),
        "reft": ("selected", "policy"),
    }


def test_rows_of_labels_need_no_stage_that_samples(steps_bench):
    assert PAID.value_model is not None
    rows = PAID.value_model.model_copy(update={"data": StepRowsConfig(train=Path("rows.jsonl"))})
    stages = PAID.model_copy(update={"value_model": rows}).stages(steps_bench)
    assert [stage.name for stage in stages] == ["warm_up", "process_reward", "reft"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value_model": {}}, "trains a value model that nothing asks"),
        ({"reinforce": {"process_reward": {}}}, "has no value model"),
        (
            {"value_model": {}, "reinforce": {"process_reward": {"model": "values"}}},
            "trains a value model that nothing asks",
        ),
    ],
)
def test_there_is_one_value_model_where_steps_are_paid(settings, message):
    with pytest.raises(ValidationError, match=message):
        ReftConfig.model_validate(settings)


def test_a_trimmed_vocabulary_is_refused_before_anything_runs(steps_bench):
    model = steps_bench.model.model_copy(update={"trim_vocabulary": True})
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        PAID.stages(replace(steps_bench, model=model))
