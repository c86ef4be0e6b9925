"""Every method, killed at twenty random moments and continued each time, ends as if it never was.

A kill is an exception that nothing handles, raised before or after a moment at which something is
kept or changed: a file is flushed or renamed, an update is made, answers are sampled, a step is
logged. What was not written by then is lost, as it is when a process dies.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupting import Killed
from safetensors.torch import load_file

from burnish.rollout.local import LocalEngine
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe, load_recipe
from burnish.search.tree_file import read_trees
from burnish.training.learner import Learner

SMOKE = Path(__file__).parent.parent / "recipes" / "smoke"
NUM_KILLS = 20
SHARE_OF_A_LIFE = 3
"""A life ends after at most one in three of the moments of a whole run."""
TINY = [
    *("task.train_size=8", "task.dev_size=3", "task.test_size=3", "evaluation.num_samples=2"),
    *("compute.dtype=float32", "checkpoint_every=2"),
]
SHORT = "lengths.max_new_tokens=16"
SFT = [*("method.sft.epochs=1", "method.sft.batch_size=4"), SHORT]
STEPS = ["method.reinforce.num_steps=3", "method.reinforce.batch_size=4"]
REFT = [
    *("method.warm_up.batch_size=4", *STEPS, "method.reinforce.samples_per_problem=2"),
    "method.reinforce.eval_every=2",
]
CORRECTION = ["method.train.num_steps=3", "method.train.batch_size=4", "method.train.eval_every=2"]
CHANGES: Mapping[str, list[str]] = {
    "best_of_n_distillation": [*SFT, "method.train.epochs=1", "method.train.batch_size=4"],
    "constitutional": [
        *(*STEPS, SHORT, "method.revise.max_critique_tokens=8", "method.supervise.batch_size=4"),
        *("method.preference_model.human_labels=6", "method.preference_model.fit.epochs=1"),
    ],
    "direct_rlaif": [*SFT, *STEPS],
    "dpo": [*("method.warm_up.epochs=1", "method.warm_up.batch_size=4"), "method.batch_size=4"],
    "grpo": ["method.num_steps=3", "method.batch_size=4", "method.eval_every=2"],
    "iterative_dpo": [
        "method.rounds=1",
        *("method.sft.epochs=12", "method.sft.batch_size=4", "lengths.max_new_tokens=48"),
        *("method.train.epochs=1", "method.train.batch_size=4"),
    ],
    "pair_sft": [*CORRECTION, "method.sample.samples_per_problem=12"],
    "process_reward": ["method.fit.epochs=1", "method.fit.batch_size=8", "method.fit.eval_every=2"],
    "reft": REFT,
    "reft_lora": REFT,
    "reft_process_reward": [
        *(*REFT, "method.value_model.fit.epochs=1", "method.value_model.data.num_dev=3"),
        "method.value_model.data.num_solutions=4",
    ],
    "reranker": [
        *("method.samples.num_samples=6", "method.samples.batch_size=4"),
        *("method.classify.epochs=1", "method.classify.eval_every=2"),
    ],
    "rest_em": ["method.sample.samples_per_problem=4", "method.train.epochs=1"],
    "rest_mcts": [
        *("method.initial_fit.epochs=1", "method.improve.policy.epochs=1"),
        *("method.improve.value.epochs=1", "method.trees.batch_size=4", "task.dev_size=6"),
        *("task.max_steps=2", "method.trees.num_dev=6"),
    ],
    "reward_model": ["method.fit.epochs=1", "method.fit.batch_size=4", "method.fit.eval_every=1"],
    "rlaif": [*SFT, *STEPS, "method.labels.audit=3", "method.reward_model.fit.epochs=1"],
    "rlhf": [*SFT, *STEPS, "method.reward_models.reward_model.fit.epochs=1"],
    "score": [
        *("method.stage_one.num_steps=2", "method.stage_two.num_steps=2"),
        *("method.stage_one.batch_size=4", "method.stage_two.batch_size=4", SHORT),
    ],
    "self_refine": [SHORT],
    "self_rewarding": ["method.train.epochs=1", "method.train.batch_size=4"],
    "self_training": ["method.sampled.sample.samples_per_problem=4"],
    "sft": ["method.epochs=2", "method.batch_size=4", "method.eval_every=2"],
    "single_turn_rl": [
        *("method.single_turn.num_steps=3", "method.single_turn.batch_size=4"),
        "method.single_turn.eval_every=2",
    ],
    "star_correction": [*CORRECTION, "method.iterations=2"],
}


class Moments(Silent):
    """Counts the moments of a life, and ends it at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self._last = 0

    def live(self, last: int = 0) -> None:
        """A new life, which ends at moment `last`; 0: not at all."""
        self.count, self._last = 0, last

    def pass_one(self) -> None:
        self.count += 1
        if self.count == self._last:
            raise Killed

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        self.pass_one()


@pytest.fixture
def moments(monkeypatch) -> Moments:
    found = Moments()

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> object:
            found.pass_one()
            result = original(*args, **kwargs)
            found.pass_one()
            return result

        return call

    for owner, name in [
        *((os, "replace"), (os, "rename"), (os, "fsync")),
        *((LocalEngine, "sample"), (Learner, "optim_step")),
    ]:
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    return found


def lived(recipe: Recipe, folder: Path, moments: Moments, last: int = 0) -> bool:
    """Whether the run came to its end before its process died."""
    moments.live(last)
    try:
        Driver(recipe, folder, progress=moments).run(resume=True)
    except Killed:
        return False
    return True


def weights_in(path: Path) -> object:
    """The bits of every tensor; in the header of the file their order may be another."""
    tensors = load_file(path).items()
    return {name: found.contiguous().view(torch.uint8).tolist() for name, found in tensors}


def trees_in(path: Path) -> object:
    """All but the seconds, as text: a value that is not known equals another such."""
    return [repr(replace(t, spent=replace(t.spent, seconds=0.0))) for t in read_trees(path)]


READERS: Mapping[str, Callable[[Path], object]] = {
    ".safetensors": weights_in,
    ".trees": trees_in,
    ".jsonl": Path.read_bytes,
}


def left_behind(folder: Path) -> dict[str, object]:
    """Logs and results without times, and all weights, trees and data of the stages."""
    logs = [
        {k: v for k, v in json.loads(line).items() if not k.endswith("time_s")}
        for name in ("metrics.jsonl", "samples.jsonl", "tokens.jsonl")
        if (folder / name).exists()
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    ]
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    files = {
        str(path.relative_to(folder)): READERS[path.suffix](path)
        for path in (folder / "stages").rglob("*")
        if path.suffix in READERS and "checkpoints" not in path.parts
    }
    return {"logs": logs, "results": {k: v for k, v in results.items() if k != "seconds"}} | files


def test_every_smoke_recipe_is_killed():
    assert {path.stem for path in SMOKE.glob("*.yaml")} == set(CHANGES)


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_killed_run_ends_as_the_one_that_was_not(name, tmp_path, moments):
    recipe = load_recipe(SMOKE / f"{name}.yaml", [*TINY, *CHANGES[name]])
    assert lived(recipe, tmp_path / "whole", moments)
    num_moments = moments.count
    source = random.Random(name)

    for _ in range(NUM_KILLS):
        last = source.randint(1, max(2, num_moments // SHARE_OF_A_LIFE))
        if lived(recipe, tmp_path / "killed", moments, last):
            break
    assert lived(recipe, tmp_path / "killed", moments)

    killed, whole = left_behind(tmp_path / "killed"), left_behind(tmp_path / "whole")
    assert killed.keys() == whole.keys()
    assert [key for key in whole if killed[key] != whole[key]] == []
