from __future__ import annotations

import pytest

from burnish.data.follow_up import CorrectionConfig
from burnish.errors import ConfigError
from burnish.methods.self_refine.method import SelfRefineConfig
from burnish.training.stage import StageRun


def test_self_refine_measures_the_base_model_and_trains_nothing(attempts_bench, tmp_path):
    config = SelfRefineConfig(correction=CorrectionConfig(instruction="Once more."))
    (stage,) = config.stages(attempts_bench)
    run = StageRun(stage.name, tmp_path, seed=1, artifacts={})
    (result,) = stage.run(run)
    assert stage.hands_on is None
    assert run.model is None
    assert result.metrics["dev/accuracy"] == result.metrics["dev/accuracy_t2"]
    change = result.metrics["dev/accuracy_t2"] - result.metrics["dev/accuracy_t1"]
    assert result.metrics["dev/delta_t1-t2"] == pytest.approx(change)


def test_wording_changes_what_second_attempts_are(attempts_bench, tmp_path):
    found = []
    for instruction in ("Once more.", "Check 1 + 1 and write all of it again, please."):
        config = SelfRefineConfig(correction=CorrectionConfig(instruction=instruction))
        (stage,) = config.stages(attempts_bench)
        (result,) = stage.run(StageRun(stage.name, tmp_path, seed=1, artifacts={}))
        found.append(result.metrics)
    assert found[0]["dev/accuracy_t1"] == found[1]["dev/accuracy_t1"]
    assert found[0]["dev/edit_ratio_t1-t2"] != found[1]["dev/edit_ratio_t1-t2"]


def test_instruction_is_checked_before_anything_is_asked(attempts_bench, tmp_path):
    answer = attempts_bench.problems("test")[0].answer
    config = SelfRefineConfig(correction=CorrectionConfig(instruction=f"Say {answer}"))
    (stage,) = config.stages(attempts_bench)
    with pytest.raises(ConfigError, match="is the answer of problem"):
        list(stage.run(StageRun(stage.name, tmp_path, seed=1, artifacts={})))
