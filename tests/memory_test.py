"""Where memory runs out in training, a run says what to lower, and goes on with less."""

from __future__ import annotations

import pytest
import torch

from burnish.errors import ModelError
from burnish.run.driver_test import run, tree_of


def test_memory_that_runs_out_is_one_clear_error_and_the_run_goes_on_with_less(
    model_folder, tmp_path, monkeypatch
):
    def update(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    tree = tree_of(model_folder)
    with monkeypatch.context() as patch:
        patch.setattr("burnish.methods.reft.reinforce.ppo_update", update)
        with pytest.raises(ModelError, match=r"reft, step 1: memory ran out .* --resume and a sma"):
            run(tree, tmp_path / "run")

    less = tree | {"compute": tree["compute"] | {"max_tokens_per_batch": 300}}
    results = run(less, tmp_path / "run", resume=True)

    assert results["reft"]["steps"] == tree["method"]["reinforce"]["num_steps"]
