from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from burnish.errors import CheckpointError
from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.training.stage import Selection, StageRun


class Counter:
    """State that changes with every step."""

    def __init__(self) -> None:
        self.count = 0

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.count = state["count"]


def run_of(folder: Path, *, name: str = "sft", seed: int = 1) -> StageRun:
    return StageRun(name, folder, seed=seed, artifacts={})


def policy() -> Policy:
    return Policy(tiny_model("llama"), compute_dtype=torch.float32)


def embedding(model: Policy) -> torch.Tensor:
    return model.network.get_input_embeddings().get_parameter("weight").detach()


def test_steps_count_from_zero_and_num_done_from_one(tmp_path):
    run = run_of(tmp_path)
    seen = [(step, run.num_done) for step in run.steps(3, model=None, state={}, eval_every=1)]
    assert seen == [(0, 1), (1, 2), (2, 3)]


def test_a_run_goes_on_after_the_step_that_was_saved_with_its_state(tmp_path):
    counter = Counter()
    run = run_of(tmp_path)
    for step in run.steps(5, model=None, state={"counter": counter}, eval_every=9):
        counter.count += 10
        if step == 2:
            run.write_checkpoint()

    restored, again = Counter(), run_of(tmp_path)
    seen = []
    for step in again.steps(5, model=None, state={"counter": restored}, eval_every=9):
        seen.append((step, restored.count))
    assert seen == [(3, 30), (4, 30)]


def test_random_numbers_of_a_step_depend_on_seed_stage_and_step_alone(tmp_path):
    def numbers(run: StageRun, waste: int) -> list[float]:
        found = []
        for _ in run.steps(3, model=None, state={}, eval_every=9):
            found.append(torch.rand(()).item())
            torch.rand(waste)
        return found

    first = numbers(run_of(tmp_path), 1)
    assert len(set(first)) == 3
    assert numbers(run_of(tmp_path), 7) == first
    assert numbers(run_of(tmp_path, name="reft"), 1) != first
    assert numbers(run_of(tmp_path, seed=2), 1) != first


def test_checkpoint_of_another_kind_of_stage_is_refused(tmp_path):
    run = run_of(tmp_path)
    for _ in run.steps(1, model=None, state={"counter": Counter()}, eval_every=9):
        run.write_checkpoint()
    again = run_of(tmp_path)
    with pytest.raises(CheckpointError, match=r"holds \['counter', 'selection'\].*\['learner'"):
        list(again.steps(1, model=None, state={"learner": Counter()}, eval_every=9))


def test_damaged_checkpoints_that_were_passed_over_are_named(tmp_path):
    run = run_of(tmp_path)
    for _ in run.steps(2, model=None, state={}, eval_every=9):
        run.write_checkpoint()
    (tmp_path / "checkpoints" / "step-000002" / "state.pt").write_bytes(b"")
    again = run_of(tmp_path)
    assert list(again.steps(2, model=None, state={}, eval_every=9)) == [1]
    assert again.damaged_checkpoints == ["step-000002"]


def test_evaluation_is_due_every_so_often_and_after_the_last_step(tmp_path):
    run = run_of(tmp_path)
    steps = run.steps(7, model=policy(), state={}, eval_every=3)
    assert [run.num_done for _ in steps if run.is_evaluation_due] == [3, 6, 7]


def test_a_stage_that_trains_nothing_is_never_evaluated(tmp_path):
    run = run_of(tmp_path)
    steps = run.steps(2, model=None, state={}, eval_every=1)
    assert not [step for step in steps if run.is_evaluation_due]


def test_patience_ends_a_stage_after_so_many_evaluations_without_a_new_best(tmp_path):
    values = iter([0.1, 0.3, 0.3, 0.2, 0.9])
    run, model = run_of(tmp_path), policy()
    for _ in run.steps(9, model=model, state={}, eval_every=1, patience=2):
        run.selection.consider(next(values), run.num_done, model)
    assert run.num_done == 4


def test_patience_that_ran_out_before_the_checkpoint_ends_the_resumed_stage_at_once(tmp_path):
    run, model = run_of(tmp_path), policy()
    for _ in run.steps(9, model=model, state={}, eval_every=1, patience=1):
        run.selection.consider(0.5, run.num_done, model)
        run.write_checkpoint()
    again = run_of(tmp_path)
    assert list(again.steps(9, model=model, state={}, eval_every=1, patience=1)) == []
    assert again.num_done == run.num_done == 2


def test_selection_keeps_a_copy_of_the_first_best_weights():
    model, selection = policy(), Selection()
    for step, value in enumerate((0.2, 0.6, 0.6, 0.5), start=1):
        embedding(model).fill_(step)
        selection.consider(value, step, model)
    assert (selection.best, selection.best_step, selection.num_since_best) == (0.6, 2, 2)
    assert selection.weights["model.embed_tokens.weight"].unique().tolist() == [2.0]


def test_selection_survives_a_checkpoint(tmp_path):
    run, model = run_of(tmp_path), policy()
    for _ in run.steps(1, model=model, state={}, eval_every=1):
        run.selection.consider(0.25, 1, model)
        run.write_checkpoint()
    again = run_of(tmp_path)
    list(again.steps(1, model=model, state={}, eval_every=1))
    assert (again.selection.best, again.selection.best_step) == (0.25, 1)
    assert again.selection.weights.keys() == run.selection.weights.keys()
    assert all(torch.equal(w, again.selection.weights[k]) for k, w in run.selection.weights.items())
