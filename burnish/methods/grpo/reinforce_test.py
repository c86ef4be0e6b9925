from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from burnish.methods.grpo.method import AnyGroupMethod
from burnish.methods.grpo.reinforce import reinforce_groups
from burnish.models.policy import Policy
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import GraderFailure, Score

FAST: dict[str, Any] = {
    "num_steps": 3,
    "batch_size": 3,
    "samples_per_problem": 4,
    "optimizer": {"learning_rate": 1e-2, "schedule": "constant"},
}
NAMES = [
    "grpo",
    "dr_grpo",
    "dapo",
    "rloo",
    "reinforce_plus_plus",
    "reinforce_plus_plus_baseline",
    "remax",
    "gspo",
    "cispo",
    "group_reft",
]


def config_of(name: str, **settings: Any) -> AnyGroupMethod:
    return TypeAdapter(AnyGroupMethod).validate_python({"type": name} | FAST | settings)


def stage_of(bench: Workbench, folder: Path, config: Any) -> tuple[StageRun, list[StepResult]]:
    run = StageRun("reinforce", folder, seed=3, artifacts={})
    return run, list(reinforce_groups(run, bench=bench, config=config, start=None))


def weights_of(trained: StageRun | Policy) -> dict[str, torch.Tensor]:
    model = trained.model if isinstance(trained, StageRun) else trained
    assert model is not None
    return model.network.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(first[key].equal(second[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_every_named_method_changes_the_policy_and_is_the_same_again(
    attempts_bench, tmp_path, name
):
    config = config_of(name, num_steps=2)
    first, steps = stage_of(attempts_bench, tmp_path / "a", config)
    _, again = stage_of(attempts_bench, tmp_path / "b", config)
    assert not same(weights_of(first), weights_of(attempts_bench.load_policy()))
    assert [s.metrics for s in steps] == [s.metrics for s in again]
    for step in steps:
        assert step.metrics["ppo/logp_gap"] < 1e-4
        assert 0 <= step.metrics["group/zero_advantage"] <= 1


def test_kl_is_measured_where_there_is_a_reference_and_begins_at_zero(attempts_bench, tmp_path):
    _, with_kl = stage_of(attempts_bench, tmp_path / "a", config_of("grpo"))
    _, without = stage_of(attempts_bench, tmp_path / "b", config_of("dr_grpo"))
    assert with_kl[0].metrics["ppo/kl"] == pytest.approx(0, abs=1e-5)
    assert abs(with_kl[2].metrics["ppo/kl"]) > 1e-3
    assert "ppo/kl" not in without[0].metrics


def test_a_stopped_stage_goes_on_as_if_it_had_not_been(attempts_bench, tmp_path):
    config = config_of("dapo", rest={"passes": 2}, num_minibatches=2)
    run, whole = stage_of(attempts_bench, tmp_path / "whole", config)
    stopped = StageRun("reinforce", tmp_path / "stopped", seed=3, artifacts={})
    next(reinforce_groups(stopped, bench=attempts_bench, config=config, start=None))
    stopped.write_checkpoint()
    resumed, rest = stage_of(attempts_bench, tmp_path / "stopped", config)
    assert [s.metrics for s in rest] == [s.metrics for s in whole[1:]]
    assert same(weights_of(run), weights_of(resumed))


def test_stage_ends_with_its_samples_and_is_evaluated_then(attempts_bench, tmp_path):
    config = config_of("grpo", num_steps=9, max_samples=20)
    run, steps = stage_of(attempts_bench, tmp_path, config)
    assert [s.metrics["group/num_samples"] for s in steps] == [12.0, 24.0]
    assert (run.num_done, run.num_steps) == (2, 2)
    run.write_checkpoint()
    resumed, rest = stage_of(attempts_bench, tmp_path, config)
    assert rest == []
    assert resumed.num_done == 2


def test_a_greedy_answer_counts_among_the_samples(attempts_bench, tmp_path):
    _, steps = stage_of(attempts_bench, tmp_path, config_of("remax", samples_per_problem=2))
    assert [s.metrics["group/num_samples"] for s in steps] == [9.0, 18.0, 27.0]


def test_minibatches_and_passes_are_updates(attempts_bench, tmp_path):
    """The linear schedule counts updates: the rate of the last one is the lowest."""
    linear = {"learning_rate": 1e-2, "schedule": "linear", "warmup_ratio": 0}
    config = config_of("grpo", num_steps=1, num_minibatches=3, num_epochs=2, optimizer=linear)
    _, (step,) = stage_of(attempts_bench, tmp_path, config)
    rates = [1e-2 * (1 - (update + 1) / 7) for update in range(6)]
    assert step.metrics["train/learning_rate"] == pytest.approx(sum(rates) / 6, rel=1e-3)
    assert abs(step.metrics["ppo/policy_loss"]) > 1e-6


def test_long_answers_are_paid_less_and_shown_as_they_were_graded(attempts_bench, tmp_path):
    overlong = {"buffer_share": 1.0, "weight": 60.0}  # 10 a token, of at most 6
    _, (step,) = stage_of(
        attempts_bench, tmp_path, config_of("grpo", num_steps=1, overlong=overlong)
    )
    for view in step.token_views:
        assert -1e-3 < view.reward + 10 * len(view.token_ids) < 1.001
    assert all(0 <= t.score.reward <= 1 for t in step.trajectories)


class Silent:
    """Grades nothing."""

    def grade(self, pairs) -> list[Score | GraderFailure]:
        return [GraderFailure("exception", "no") for _ in pairs]


class Generous:
    """Pays all alike."""

    def grade(self, pairs) -> list[Score | GraderFailure]:
        return [Score(1.0, True, "1") for _ in pairs]


def bench_with(bench: Workbench, grader, share: float = 1.0) -> Workbench:
    return Workbench(
        model=bench.model,
        task=bench.task,
        grader=grader,
        lengths=bench.lengths,
        compute=bench.compute,
        seed=3,
        max_grader_failures=share,
    )


@pytest.mark.parametrize("name", ["grpo", "remax"])
def test_without_a_graded_sample_nothing_is_learnt(attempts_bench, tmp_path, name):
    bench = bench_with(attempts_bench, Silent())
    run, steps = stage_of(bench, tmp_path, config_of(name, num_steps=1))
    assert same(weights_of(run), weights_of(bench.load_policy()))
    assert steps[0].metrics["rollout/failed_to_grade"] == 1.0


def test_answers_paid_alike_have_no_advantage_and_move_nothing(attempts_bench, tmp_path):
    bench = bench_with(attempts_bench, Generous())
    run, steps = stage_of(bench, tmp_path, config_of("dr_grpo", num_steps=1))
    assert steps[0].metrics["group/zero_advantage"] == 1.0
    assert steps[0].metrics["train/grad_norm"] == 0.0
    assert same(weights_of(run), weights_of(bench.load_policy()))


def test_dynamic_sampling_asks_up_to_its_bound_and_then_learns_from_nothing(
    attempts_bench, tmp_path
):
    bench = bench_with(attempts_bench, Generous())
    config = config_of("dapo", num_steps=1, dynamic_sampling={"max_rounds": 4})
    _, (step,) = stage_of(bench, tmp_path, config)
    assert step.metrics["group/rounds"] == 4.0
    assert step.metrics["group/num_samples"] == 4 * 3 * 4
    assert step.metrics["group/kept"] == 0.0
    assert "train/grad_norm" not in step.metrics
