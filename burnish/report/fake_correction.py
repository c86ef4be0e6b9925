"""A made-up run with several attempts at each problem, for tests of the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from burnish.report.fake_run import write_lines

CONFIG = """method:
  type: score
  correction:
    turns: {turns}
    instruction: Look again & answer <once> more.
task:
  type: arithmetic
"""
COUNTS: Mapping[str, Sequence[int]] = {
    "base": (4, 1, 3, 2),
    "stage_one": (3, 3, 2, 2),
    "stage_two": (5, 3, 0, 2),
}
"""Kept, fixed, broken and missed of each model, in both transitions where there are two."""


def write_correction_run(run: Path, *, turns: int = 2) -> Path:
    """Writes config, samples and results: three models, two or three attempts, ten problems."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").write_text(CONFIG.format(turns=turns), "utf-8")
    write_lines(run / "samples.jsonl", [*_train_rows(turns), *_test_rows(turns)])
    (run / "results.json").write_text(json.dumps(correction_results(turns=turns)), "utf-8")
    return run


def correction_results(*, turns: int = 2) -> dict[str, Any]:
    """What a finished run leaves; the last stage could have handed on another model."""
    models = {name: _numbers(counts, turns) for name, counts in COUNTS.items()}
    models["stage_two"] |= {"model": "rewarded", "steps": 8, "last": _numbers((5, 2, 1, 2), turns)}
    alarm = "sabotage: first attempts are worse than the base model's."
    return {**models, "alarms": [alarm], "test_size": 10, "seconds": 12.0}


def scaling_evaluation(model: str) -> dict[str, Any]:
    """What `burnish eval --inference-scaling 2,8 --out` writes of one model."""
    found = {
        "temperature": 0.7,
        "single": _interval(0.5) | {"n": 40},
        "2": _budget(0.5, 0.6, low=-0.02, high=0.22),
        "8": _budget(0.55, 0.7, low=0.05, high=0.25),
    }
    return {model: {"greedy": _interval(0.6), "inference_scaling": found}, "test_size": 40}


def sample_row(stage: str, problem: str, *rights: bool, step: int = 0) -> dict[str, Any]:
    """A row of `samples.jsonl` with an attempt for each of `rights`; test rows are of step 0."""
    turns: list[dict[str, Any]] = [
        {
            "text": f"I try {number}.\nIt is {7 if right else number}",
            "answer": "7" if right else str(number),
            "reward": float(right),
            "is_correct": right,
            "stop_reason": "eos",
        }
        for number, right in enumerate(rights, start=1)
    ]
    split = "train" if step else "test"
    place = {"stage": stage, "step": step, "split": split, "problem_id": problem, "sample": 0}
    asked = {"prompt": f"Question:\nWhat is {problem}?", "gold": "7"}
    return {**place, **asked, **turns[-1], "turns": turns}


def _interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 10}


def _budget(parallel: float, corrected: float, *, low: float, high: float) -> dict[str, Any]:
    return {
        "parallel": _interval(parallel),
        "corrected": _interval(corrected),
        "paired": {"difference": corrected - parallel, "low": low, "high": high, "p": 0.1},
        "sampled_tokens": {"parallel": 1000.0, "corrected": 1250.0},
    }


def _numbers(counts: Sequence[int], turns: int) -> dict[str, Any]:
    """`counts`: kept, fixed, broken, missed. A third attempt repeats what the second did."""
    kept, fixed, broken, missed = counts
    transition = {
        "delta": _interval((fixed - broken) / 10),
        "fixed": _interval(fixed / 10),
        "broken": _interval(broken / 10),
        "fixed_of_wrong": _interval(fixed / (fixed + missed)),
        "broken_of_right": None,
        "answer_change": _interval(0.4),
        "edit_ratio": _interval(0.123),
        "counts": {"kept": kept, "fixed": fixed, "broken": broken, "missed": missed},
    }
    still = {"kept": kept + fixed, "fixed": 0, "broken": 0, "missed": broken + missed}
    first, later = _interval((kept + broken) / 10), _interval((kept + fixed) / 10)
    found = {"greedy": later, "accuracy_t1": first, "accuracy_t2": later, "t1-t2": transition}
    if turns > 2:
        found |= {"accuracy_t3": later, "t2-t3": {**transition, "counts": still}}
    return found


def _test_rows(turns: int) -> list[dict[str, Any]]:
    rows = []
    for stage, (kept, fixed, broken, missed) in COUNTS.items():
        pairs = [(True, True)] * kept + [(False, True)] * fixed
        pairs += [(True, False)] * broken + [(False, False)] * missed
        for number, (first, later) in enumerate(pairs):
            rights = (first, *[later] * (turns - 1))
            rows.append(sample_row(stage, f"{number} + {number}", *rights))
    return rows


def _train_rows(turns: int) -> list[dict[str, Any]]:
    return [
        sample_row(stage, f"train {number}", False, *[number == step] * (turns - 1), step=step)
        for stage in ("stage_one", "stage_two")
        for step in (1, 2)
        for number in range(3)
    ]
