from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from burnish.data.step_rows import StepRowsConfig
from burnish.errors import ConfigError
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.models.config import LoraConfig
from burnish.models.process_reward_model import load_process_reward
from burnish.search.steps import SentenceSteps
from burnish.training.learner import OptimizerConfig
from burnish.training.monte_carlo import MonteCarloConfig
from burnish.training.process_reward import FitConfig
from burnish.training.stage import StageRun

FIT = FitConfig(
    epochs=6, batch_size=8, optimizer=OptimizerConfig(learning_rate=3e-3, schedule="constant")
)
BY_COMPLETION = ProcessRewardConfig(
    data=MonteCarloConfig(num_solutions=6, num_dev_solutions=6, num_completions=8),
    steps=SentenceSteps(),
    fit=FIT,
)


def run_stages(method, bench, folder):
    """The last stage's run and the metrics of its steps."""
    artifacts: dict[str, Path] = {}
    ended = []
    for stage in method.stages(bench):
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
        ended.append((run, [result.metrics for result in stage.run(run)]))
        artifacts[stage.name] = run.folder
    return ended[-1]


def test_labels_by_completion_are_learnt(steps_bench, tmp_path):
    run, metrics = run_stages(BY_COMPLETION, steps_bench, tmp_path)
    assert run.measure is not None
    assert run.measure()["dev/step_accuracy"] > 0.6
    assert metrics[-1]["train/loss"] < 0.5 * metrics[0]["train/loss"]


def test_rows_of_labels_need_no_stage_that_samples(steps_bench, tmp_path):
    rows = [
        {
            "prompt": f"{n} + 1 = ?",
            "steps": [f"{n} + 1 = {n + 1 + wrong}.", f"So {n + 1 + wrong}."],
            "labels": [not wrong, not wrong],
        }
        for n in range(10)
        for wrong in (0, 40)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    method = ProcessRewardConfig(data=StepRowsConfig(train=path, dev_share=0.3), fit=FIT)
    run, metrics = run_stages(method, steps_bench, tmp_path)
    assert run.name == "process_reward"
    assert steps_bench.num_asked == 0
    assert metrics[-1]["train/loss"] < metrics[0]["train/loss"]


def test_a_value_model_can_be_gone_on_with_but_not_with_another_head(steps_bench, tmp_path):
    run, _ = run_stages(BY_COMPLETION, steps_bench, tmp_path)
    assert run.model is not None
    run.model.save(tmp_path / "selected")
    again = steps_bench.start_process_reward(tmp_path / "selected", head="hidden")
    saved = load_process_reward(tmp_path / "selected")
    for name, weight in saved.network.state_dict().items():
        torch.testing.assert_close(again.network.state_dict()[name], weight)
    with pytest.raises(ConfigError, match="has the head 'hidden', but the recipe asks for 'voc"):
        steps_bench.start_process_reward(tmp_path / "selected", head="vocabulary")


def test_what_cannot_work_is_said_before_anything_runs(steps_bench):
    trimmed = replace(
        steps_bench, model=steps_bench.model.model_copy(update={"trim_vocabulary": True})
    )
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        BY_COMPLETION.stages(trimmed)
    model = steps_bench.model.model_copy(update={"lora": LoraConfig(), "quantize": "4bit"})
    with pytest.raises(ConfigError, match="not trained on quantised weights"):
        replace(steps_bench, model=model).start_process_reward(None, head="hidden")
