from __future__ import annotations

from typing import cast

from burnish.methods.star_correction.method import StarCorrectionConfig
from burnish.training.stage import StageRun
from burnish.training.workbench import Workbench


def test_star_is_three_rounds_of_sampling_and_training():
    stages = StarCorrectionConfig().stages(cast("Workbench", None))
    assert [stage.name for stage in stages] == [
        "sample_1",
        "train_1",
        "sample_2",
        "train_2",
        "sample_3",
        "train_3",
    ]


def test_rounds_start_from_the_base_and_keep_d_unless_told_otherwise():
    config = StarCorrectionConfig()
    assert (config.each_from, config.keep) == ("start", "improved")


def test_model_is_selected_by_its_last_attempts_at_the_dev_problems(attempts_bench, tmp_path):
    config = StarCorrectionConfig.model_validate(
        {
            "iterations": 1,
            "keep": "improved_and_right",
            "correction": {"instruction": "Once more.", "turns": 3},
            "sample": {"num_problems": 4, "samples_per_problem": 4},
            "train": {"num_steps": 1},
        }
    )
    sample, train = config.stages(attempts_bench)
    list(sample.run(StageRun("sample_1", tmp_path / "sample", seed=1, artifacts={})))
    run = StageRun("train_1", tmp_path / "t", seed=1, artifacts={"sample_1": tmp_path / "sample"})
    for _ in train.run(run):
        assert run.measure is not None
        found = run.measure()
        assert next(iter(found)) == "dev/accuracy"
        assert found["dev/accuracy"] == found["dev/accuracy_t3"]
