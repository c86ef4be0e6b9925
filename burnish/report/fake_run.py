"""A made-up run folder for the tests of the report. Its numbers mean nothing."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG = """seed: 7
method:
  type: reft
  gamma: 1.0
  lam: 0.95
  clip: 0.2
  kl_coef: 0.05
model:
  name: base-1m
task:
  type: arithmetic
  num_train: 300
grader: numeric
"""
_STAGES = {"warm_up": (40, 0.42), "sft": (160, 0.5), "reft": (60, 0.85)}


def write_fake_run(run: Path, *, finished: bool = True) -> Path:
    """Writes config, metrics, samples and tokens, and the results of a finished run."""
    rng = random.Random(3)
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").write_text(CONFIG, "utf-8")
    metrics = list(_metrics(rng))
    write_lines(run / "metrics.jsonl", metrics if finished else metrics[:215])
    write_lines(run / "samples.jsonl", list(_samples(rng)))
    write_lines(run / "tokens.jsonl", [_tokens(rng, s, r) for s in (1, 60) for r in (1.0, 0.1, 0)])
    if finished:
        (run / "results.json").write_text(json.dumps(fake_results()), "utf-8")
    return run


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def fake_results() -> dict[str, Any]:
    """What a finished run leaves."""

    def interval(value: float, half: float) -> dict[str, float]:
        return {"value": value, "low": value - half, "high": value + half, "n": 500}

    greedy = {"warm_up": 0.416, "sft": 0.492, "reft": 0.848}
    return {
        stage: {
            "greedy": interval(value, 0.043),
            "vote@16": interval(value + 0.06 * (1 - value), 0.041),
            "truncated": interval(0.02, 0.01),
            "grader_failures": {},
        }
        for stage, value in greedy.items()
    } | {
        "paired_p": 3e-9,
        "paired": {"reft - sft": {"difference": 0.356, "low": 0.31, "high": 0.402, "p": 3e-9}},
        "seconds": 170.1,
        "test_size": 500,
    }


def _metrics(rng: random.Random) -> Iterator[dict[str, Any]]:
    time_s, accuracy, length = 0.0, 0.3, 14.0
    for stage, (num_steps, goal) in _STAGES.items():
        accuracy = min(accuracy, 0.42)
        for step in range(1, num_steps + 1):
            time_s += 1.7 if stage == "reft" else 0.25
            accuracy += (goal - accuracy) * 0.08
            length += (34 - length) * 0.05 if stage == "reft" else 0.0
            row: dict[str, Any] = {"stage": stage, "step": step, "time_s": time_s}
            if step % (5 if stage == "reft" else 20) == 0:
                row["dev/accuracy"] = accuracy + rng.gauss(0, 0.015)
            if stage == "reft":
                row |= _ppo_row(rng, step, accuracy, length)
            else:
                row["train/loss"] = 1.4 * math.exp(-step / 30) + 0.35 + rng.gauss(0, 0.03)
                row["train/learning_rate"] = 1e-3 * (1 - step / num_steps)
            yield row | {"train/grad_norm": abs(rng.gauss(0.8, 0.2))}


def _ppo_row(rng: random.Random, step: int, accuracy: float, length: float) -> dict[str, float]:
    return {
        "rollout/reward": accuracy + 0.02 + rng.gauss(0, 0.035),
        "rollout/accuracy": min(1.0, accuracy + rng.gauss(0, 0.035)),
        "rollout/spelled_out": min(1.0, max(0.0, (length - 14) / 20 + rng.gauss(0, 0.04))),
        "rollout/length": length + rng.gauss(0, 0.7),
        "rollout/entropy": 0.5 * math.exp(-step / 50) + 0.08 + rng.gauss(0, 0.01),
        "rollout/truncated": max(0.0, rng.gauss(0.01, 0.008)),
        "ppo/kl": 6 * (1 - math.exp(-step / 18)) + rng.gauss(0, 0.3),
        "ppo/clip_fraction": abs(rng.gauss(0.06, 0.02)),
        "ppo/value_loss": 0.12 * math.exp(-step / 15) + 0.03 + abs(rng.gauss(0, 0.006)),
        "ppo/policy_loss": rng.gauss(-0.01, 0.01),
        "ppo/explained_variance": 0.7 * (1 - math.exp(-step / 12)) + rng.gauss(0, 0.06),
        "ppo/logp_gap": abs(rng.gauss(2e-6, 5e-7)),
        "time/rollout_s": abs(rng.gauss(0.7, 0.05)),
        "time/update_s": abs(rng.gauss(0.9, 0.05)),
    }


def _samples(rng: random.Random) -> Iterator[dict[str, Any]]:
    chances = {"warm_up": 0.4, "sft": 0.5, "reft": 0.85}
    for i in range(24):
        crates, jars, broken = rng.randint(3, 9), rng.randint(4, 9), rng.randint(2, 9)
        gold = crates * jars - broken
        prompt = (
            f"Question:\nA cellar holds {crates} crates with {jars} jars each. On the stairs "
            f"{broken} jars break. How many jars are left?\nAnswer reasoning:\n"
        )
        for stage, chance in chances.items():
            answer = gold if rng.random() < chance else gold + rng.choice([-10, 2, 6])
            leap = f"{crates} * {jars} - {broken} = {answer}."
            steps = f"{crates} * {jars} = {crates * jars}.\n{crates * jars} - {broken} = {answer}."
            yield {
                "stage": stage,
                "step": _STAGES[stage][0],
                "split": "test",
                "problem_id": f"arithmetic-test-{i}",
                "prompt": prompt,
                "text": f"{steps if stage == 'reft' else leap}\nTherefore, the answer is: {answer}",
                "answer": str(answer),
                "gold": str(gold),
                "reward": 1.0 if answer == gold else 0.1,
                "is_correct": answer == gold,
                "stop_reason": "eos",
                "sample": 0,
            }


def _tokens(rng: random.Random, step: int, reward: float) -> dict[str, Any]:
    text = "7 * 8 = 56 .\n56 - 9 = 47 .\nTherefore , the answer is: 47"
    tokens = [word + " " for word in text.split(" ")] + ["</s>"]
    num = len(tokens)
    logp = [-abs(rng.gauss(0, 0.4)) for _ in tokens]
    return {
        "stage": "reft",
        "step": step,
        "problem_id": f"arithmetic-train-{step}-{reward}",
        "reward": reward,
        "tokens": tokens,
        "logp": logp,
        "ref_logp": [p - rng.gauss(0.12, 0.35) * (step > 1) for p in logp],
        "value": [0.5 + 0.3 * (reward - 0.5) * i / num + rng.gauss(0, 0.05) for i in range(num)],
        "advantage": [(reward - 0.5) * (1 + i / num) + rng.gauss(0, 0.45) for i in range(num)],
        "token_reward": [0.0] * (num - 1) + [reward],
    }
