from __future__ import annotations

import json
from pathlib import Path

from burnish.evaluation.reward_curve import RewardPoint, read_curve


def run_of(folder: Path, rows, start=None) -> Path:
    stage = folder / "stages" / "03-rlhf"
    stage.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if start is not None:
        (stage / "start.json").write_text(json.dumps(start))
    return stage


def numbers(kl: float, **others: float) -> dict[str, float]:
    found = {"kl": kl, "length": 20.0, "no_eos": 0.1, **others}
    return {f"dev/sampled_{name}": value for name, value in found.items()}


def test_curve_has_the_start_and_every_evaluation_of_the_stage(tmp_path):
    rows = [
        {"stage": "sft", "step": 5, **numbers(9.0, gold=9.0)},
        {"stage": "rlhf", "step": 1, "train/loss": 1.0},
        {"stage": "rlhf", "step": 2, **numbers(1.5, gold=0.6, proxy=0.4)},
    ]
    stage = run_of(tmp_path, rows, start=numbers(0.0, gold=0.5, proxy=0.1))
    assert read_curve(tmp_path, stage) == [
        RewardPoint(step=0, kl=0.0, gold=0.5, proxy=0.1, length=20.0, no_eos=0.1),
        RewardPoint(step=2, kl=1.5, gold=0.6, proxy=0.4, length=20.0, no_eos=0.1),
    ]


def test_rewards_that_nobody_can_tell_are_missing(tmp_path):
    stage = run_of(tmp_path, [{"stage": "rlhf", "step": 2, **numbers(1.5)}])
    (point,) = read_curve(tmp_path, stage)
    assert (point.gold, point.proxy) == (None, None)
    assert point.as_json()["kl"] == 1.5


def test_a_stage_without_such_numbers_has_no_curve(tmp_path):
    stage = run_of(tmp_path, [{"stage": "rlhf", "step": 1, "dev/accuracy": 0.5}])
    assert read_curve(tmp_path, stage) == []
