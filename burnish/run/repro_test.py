"""A run that ends in numbers that are not finite leaves the step behind, to be done again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from burnish.errors import CheckpointError, NonFiniteError
from burnish.run.driver import Driver
from burnish.run.ownership import state_of
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe
from burnish.run.repro import replay

FAR_TOO_FAST = 1e25


def tree_of(model_folder: Path, *, epochs: int, every: int) -> dict[str, Any]:
    """SFT at a rate that makes the weights explode in the first update."""
    optimizer = {"learning_rate": FAR_TOO_FAST, "schedule": "constant"}
    return {
        "description": "A run that explodes.",
        "model": {"name": str(model_folder)},
        "task": {"type": "arithmetic", "train_size": 8, "dev_size": 4, "test_size": 4},
        "method": {"type": "sft", "epochs": epochs, "batch_size": 4, "optimizer": optimizer},
        "lengths": {"max_prompt_tokens": 300, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
        "checkpoint_every": every,
    }


def exploded(tmp_path: Path, model_folder: Path, *, every: int = 50) -> tuple[Path, str]:
    """What the run has left behind, and what it said."""
    recipe = Recipe.from_tree(tree_of(model_folder, epochs=4, every=every), source="test")
    with pytest.raises(NonFiniteError) as caught:
        Driver(recipe, tmp_path / "run", progress=Silent()).run(resume=False)
    (left,) = (tmp_path / "run" / "repro").iterdir()
    return left, str(caught.value)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_error_names_stage_step_rows_and_how_to_see_it_again(tmp_path, model_folder):
    left, said = exploded(tmp_path, model_folder)

    assert left.name == "01-sft-step-000002"
    assert said.startswith("sft, step 2: the loss of micro-batch 0 in update 1 is ")
    assert re.search(r"extreme row among arithmetic-\S+", said)
    assert f"burnish repro {left}" in said
    state = state_of(tmp_path / "run")
    assert state is not None
    assert (state.standing, state.why) == ("failed", said)


@pytest.mark.parametrize("every", [50, 1], ids=["from the start", "from a checkpoint"])
def test_step_fails_again_in_a_copy_of_the_run(tmp_path, model_folder, every):
    left, said = exploded(tmp_path, model_folder, every=every)
    before = files_of(tmp_path / "run")

    found = replay(left)

    assert (left / "checkpoints").exists() == (every == 1)
    assert found.error is not None
    assert found.error in said
    assert found.module
    assert files_of(tmp_path / "run") == before


def test_setting_that_helps_is_seen(tmp_path, model_folder):
    left, said = exploded(tmp_path, model_folder)

    found = replay(left, ["method.optimizer.learning_rate=0.001"])

    assert found.error is None
    assert found.failed.error in said


@pytest.mark.parametrize("text", [None, "", "[]", json.dumps({"stage": "01-sft"})])
def test_folder_that_is_none_is_an_error(tmp_path, text):
    if text is not None:
        (tmp_path / "repro.json").write_text(text)
    with pytest.raises(CheckpointError, match="Name the folder that the error"):
        replay(tmp_path)
