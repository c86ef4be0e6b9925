from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from burnish.data.feedback.simulated import RatersConfig
from burnish.data.tasks.replies import RepliesTask
from burnish.errors import ConfigError
from burnish.methods.rlhf.method import RlhfConfig
from burnish.models.token_batch import TokenBatch
from burnish.training.answer_rewards import read_units
from burnish.training.answer_rl import UNITS_FILE
from burnish.training.stage import StageRun

TASK = RepliesTask(train_size=8, dev_size=6, test_size=2, raters=RatersConfig(noise=0.0))
FAST = {"learning_rate": 3e-3, "schedule": "constant"}
FIT = {"epochs": 1, "batch_size": 4, "optimizer": FAST}
SMALL: dict[str, Any] = {
    "sft": {"epochs": 1, "batch_size": 8, "optimizer": FAST},
    "reward_models": {"reward_model": {"fit": FIT}},
    "reinforce": {"num_steps": 2, "batch_size": 4, "ppo": {"num_epochs": 1}, "optimizer": FAST},
}


@pytest.fixture
def bench(attempts_bench):
    return replace(attempts_bench, task=TASK, num_dev=None)


def config_of(**settings) -> RlhfConfig:
    return RlhfConfig.from_tree(SMALL | settings, source="recipe.yaml")


def run_all(config: RlhfConfig, bench, folder: Path) -> dict[str, tuple[StageRun, list]]:
    artifacts: dict[str, Path] = {}
    ended = {}
    for stage in config.stages(bench):
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=dict(artifacts))
        ended[stage.name] = (run, list(stage.run(run)))
        if run.model is not None:
            run.model.save(run.folder / "last")
            run.model.save(run.folder / "selected")
        artifacts[stage.name] = run.folder / (stage.hands_on or "")
    return ended


def test_policy_starts_from_sft_and_the_reference_is_the_sft_model(bench, tmp_path):
    ended = run_all(config_of(), bench, tmp_path)
    assert [*ended] == ["sft", "reward_model", "rlhf"]
    (first, *_) = ended["rlhf"][1]
    assert first.metrics["ppo/kl"] == 0.0
    view = first.token_views[0]
    assert view.logp == view.ref_logp
    sample = next(
        t for t in first.trajectories if t.token_ids[-len(view.token_ids) :] == view.token_ids
    )
    for name, is_reference in (("sft", True), (None, False)):
        policy = bench.load_policy(name and tmp_path / name / "last")
        batch = TokenBatch.collate([sample])
        logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
        same = logp[batch.action_mask].tolist() == pytest.approx(view.ref_logp, abs=1e-4)
        assert same == is_reference


def test_dev_numbers_of_sft_need_no_grader_and_those_of_rl_have_reward_and_kl(bench, tmp_path):
    ended = run_all(config_of(), bench, tmp_path)
    sft, rlhf = ended["sft"][0].measure, ended["rlhf"][0].measure
    assert sft is not None
    assert rlhf is not None
    assert [*sft()] == ["dev/logp"]
    assert next(iter(rlhf())) == "dev/objective"
    assert (tmp_path / "rlhf" / "start.json").exists()


def test_without_sft_the_recipes_model_is_start_and_reference(bench, tmp_path):
    ended = run_all(config_of(sft=None), bench, tmp_path)
    assert [*ended] == ["reward_model", "rlhf"]
    assert ended["rlhf"][1][0].metrics["ppo/kl"] == 0.0


def test_a_policy_with_a_trimmed_vocabulary_is_paid_by_a_model_with_all_of_it(bench, tmp_path):
    trimmed = replace(bench, model=bench.model.model_copy(update={"trim_vocabulary": True}))
    ended = run_all(config_of(), trimmed, tmp_path)
    assert ended["rlhf"][1][0].metrics["ppo/kl"] == 0.0
    models = {name: run.model for name, (run, _) in ended.items() if run.model is not None}
    sizes = {name: model.network.config.vocab_size for name, model in models.items()}
    assert sizes["rlhf"] < sizes["reward_model"]


def test_several_reward_models_and_the_grader_are_added_up(bench, tmp_path):
    models = {
        "liked": {"fit": FIT, "num_models": 2, "pessimism": 0.5},
        "rated": {"fit": FIT, "feedback": {"type": "ratings"}, "scale": {"weight": 0.5}},
        "told": {"fit": FIT, "feedback": {"type": "comments"}, "start": "base"},
    }
    ended = run_all(config_of(reward_models=models, verifiable={"weight": 2.0}), bench, tmp_path)
    assert [*ended] == ["sft", "liked_1", "liked_2", "rated", "told_comments", "told", "rlhf"]
    metrics = ended["rlhf"][1][0].metrics
    parts = {"grader/liked", "grader/liked_disagreement", "grader/rated", "grader/told"}
    assert parts | {"grader/grader"} <= metrics.keys()
    units = read_units(tmp_path / "rlhf" / UNITS_FILE)
    assert {name: len(of) for name, of in units.items()} == {
        "liked": 2,
        "rated": 1,
        "told": 1,
        "grader": 1,
    }
    assert units["grader"][0].deviation == 1.0  # verifiable rewards are added as they are


def test_attributes_are_weighted_and_a_gate_takes_their_place(bench, tmp_path):
    feedback = {"type": "attributes", "weights": {"honest": 1.0}}
    models = {"felt": {"fit": FIT, "feedback": feedback}}
    ended = run_all(config_of(reward_models=models), bench, tmp_path / "a")
    assert [*ended] == ["sft", "felt", "rlhf"]
    gated = {"felt": {"fit": FIT, "feedback": {"type": "attributes", "gate": {"fit": FIT}}}}
    ended = run_all(config_of(reward_models=gated), bench, tmp_path / "b")
    assert [*ended] == ["sft", "felt", "felt_gate", "rlhf"]


def test_a_trained_reward_model_is_asked_and_none_is_trained(bench, tmp_path):
    trained = run_all(config_of(), bench, tmp_path / "a")["reward_model"][0].folder / "last"
    known = {"old": {"models": [str(trained)]}}
    ended = run_all(config_of(reward_models=known), bench, tmp_path / "b")
    assert [*ended] == ["sft", "rlhf"]
    assert "grader/old" in ended["rlhf"][1][0].metrics


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"reward_models": {}}, "nobody pays"),
        ({"reward_models": {"sft": {}}}, "reward_models.sft: .* called sft already"),
        (
            {"reward_models": {"a": {"num_models": 2}, "a_1": {}}},
            "reward_models.a_1: .* called a_1 already",
        ),
        ({"reward_models": {"../a": {}}}, r"reward_models.*should match pattern"),
        ({"reward_models": {"x": {"feedbak": {}}}}, "did you mean 'feedback'"),
        ({"reinforce": {"kl": {"type": "adaptive", "target": 0}}}, "target"),
    ],
)
def test_what_cannot_work_is_said_by_its_key(settings, complaint):
    with pytest.raises(ConfigError, match=complaint):
        config_of(**settings)


def test_a_task_without_feedback_is_an_error_unless_all_models_are_trained(attempts_bench):
    with pytest.raises(ConfigError, match="this task has none"):
        config_of().stages(attempts_bench)
    stages = config_of(reward_models={}, verifiable={}).stages(attempts_bench)
    assert [stage.name for stage in stages] == ["sft", "rlhf"]
