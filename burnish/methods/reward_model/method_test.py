from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import ConfigError, GraderError
from burnish.graders.comment_judge import LexiconConfig
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.methods.reward_model.reporting import answers_in, gold_report
from burnish.models.reward_model import load_reward_model
from burnish.training.comment_reading import CommentsConfig, opinions
from burnish.training.learner import OptimizerConfig
from burnish.training.reward_model import FitConfig
from burnish.training.reward_model_attributes import AttributesConfig, GateConfig
from burnish.training.reward_model_comparisons import ComparisonsConfig
from burnish.training.reward_model_ratings import RatingsConfig
from burnish.training.stage import StageRun
from burnish.types import Preference

FIT = FitConfig(
    epochs=6, batch_size=8, optimizer=OptimizerConfig(learning_rate=3e-3, schedule="constant")
)


def run_stages(method, bench, folder):
    """The run and the metrics of the steps of each stage; models are saved as the driver does."""
    artifacts: dict[str, Path] = {}
    ended = {}
    for stage in method.stages(bench):
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
        ended[stage.name] = (run, [result.metrics for result in stage.run(run)])
        if run.model is not None:
            run.model.save(run.folder / "selected")
        artifacts[stage.name] = run.folder / (stage.hands_on or "")
    return ended


KINDS = {
    "comparisons": (ComparisonsConfig(), ["dev/accuracy", "dev/prefers_longer"]),
    "ratings": (RatingsConfig(), ["dev/rank_correlation", "dev/mae"]),
    "attributes": (AttributesConfig(), ["dev/rank_correlation_honest", "dev/mae"]),
    "comments": (CommentsConfig(), ["dev/rank_correlation", "dev/mae"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_feedback_is_learnt_and_measured(kind, bench, tmp_path):
    feedback, expected = KINDS[kind]
    ended = run_stages(RewardModelConfig(feedback=feedback, fit=FIT), bench, tmp_path)
    run, metrics = ended["reward_model"]
    losses = [step["train/loss"] for step in metrics]
    epoch = len(losses) // 6
    assert fmean(losses[-epoch:]) < fmean(losses[:epoch])
    assert run.measure is not None
    found = run.measure()
    assert next(iter(found)) == "dev/fit"
    assert set(expected) < set(found)
    saved = load_reward_model(run.folder / "selected")
    assert saved.head.kind == kind


def test_only_the_first_labels_are_used(bench, tmp_path):
    method = RewardModelConfig(feedback=RatingsConfig(), fit=FIT, num_labels=10)
    _, metrics = run_stages(method, bench, tmp_path)["reward_model"]
    assert metrics[0]["data/train_rows"] == 10
    assert metrics[0]["data/dev_rows"] == 16


def test_members_of_an_ensemble_differ(bench, tmp_path):
    method = RewardModelConfig(fit=FIT.model_copy(update={"epochs": 1}), num_models=2)
    ended = run_stages(method, bench, tmp_path)
    assert [*ended] == ["reward_model_1", "reward_model_2"]
    first, second = (
        load_reward_model(run.folder / "selected").network.get_parameter("score.weight")
        for run, _ in ended.values()
    )
    assert not first.allclose(second)


def test_a_gate_learns_from_comparisons_and_changes_nothing_else(bench, tmp_path):
    method = RewardModelConfig(
        feedback=AttributesConfig(gate=GateConfig(hidden=8, fit=FIT)), fit=FIT
    )
    ended = run_stages(method, bench, tmp_path)
    assert [*ended] == ["reward_model", "gate"]
    run, metrics = ended["gate"]
    assert metrics[-1]["train/loss"] < metrics[0]["train/loss"]
    attributes, mixed = (
        load_reward_model(r.folder / "selected") for r in (ended["reward_model"][0], run)
    )
    assert mixed.head.mixed == attributes.head.outputs
    assert mixed.gate is not None
    before = attributes.network.base_model.state_dict()
    for name, weight in mixed.network.base_model.state_dict().items():
        assert weight.equal(before[name])
    assert mixed.gate.outer.weight.abs().max() > 0


def test_a_gate_has_one_model(bench):
    tree = {"feedback": {"type": "attributes", "gate": {}}, "num_models": 2}
    with pytest.raises(ConfigError, match="set num_models to 1"):
        RewardModelConfig.from_tree(tree, source="recipe.yaml")


def test_comments_are_kept_beside_what_was_made_of_them(bench, tmp_path):
    method = RewardModelConfig(feedback=CommentsConfig(batch_size=5), fit=FIT)
    run, metrics = run_stages(method, bench, tmp_path)["comments"]
    rows = [json.loads(line) for line in (run.folder / "train.jsonl").read_text().splitlines()]
    assert len(rows) == 32
    assert [row["number"] for row in rows] == [*range(32)]
    assert all(row["comment"] and 0 <= row["opinion"]["score"] <= 1 for row in rows)
    assert {name for step in metrics for name in step} == {
        "judge/score",
        "judge/confidence",
        "judge/tokens",
    }


def test_a_comment_that_cannot_be_read_is_counted_and_not_learnt_from(bench, tmp_path):
    lexicon = LexiconConfig(words={"useless": 0.0, "good": 0.7, "excellent": 1.0})
    config = CommentsConfig(judge=lexicon, max_failures=1.0)
    method = RewardModelConfig(feedback=config, fit=FIT)
    ended = run_stages(method, bench, tmp_path)
    found = opinions(ended["comments"][0].folder, bench.task, "train", min_confidence=0.1)
    unread = found.skipped["comment_without_opinion"]
    assert unread > 0
    assert len(found.rows) + unread == 32
    _, metrics = ended["reward_model"]
    assert metrics[0]["data/train_skipped_comment_without_opinion"] == unread


def test_too_many_unreadable_comments_stop_the_run(bench, tmp_path):
    config = CommentsConfig(judge=LexiconConfig(words={"zebra": 0.0}))
    with pytest.raises(GraderError, match="comment_without_opinion"):
        run_stages(RewardModelConfig(feedback=config, fit=FIT), bench, tmp_path)


def test_what_cannot_work_is_said_before_anything_runs(bench):
    method = RewardModelConfig()
    trimmed = replace(bench, model=bench.model.model_copy(update={"trim_vocabulary": True}))
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        method.stages(trimmed)
    with pytest.raises(ConfigError, match="this task has none"):
        method.stages(replace(bench, task=ArithmeticTask()))


def test_rewards_are_compared_with_the_truth(bench):
    rows = bench.task.feedback("comparisons", "test").rows
    answers = answers_in(rows, bench.task)
    assert len(answers) == 16
    gold = [answer.gold["reward"] for answer in answers if answer.gold is not None]
    perfect = gold_report(answers, gold)
    assert perfect["gold_correlation"] == pytest.approx(1.0)
    assert perfect["gold_pair_accuracy"] == 1.0
    wrong = gold_report(answers, [-reward for reward in gold])
    assert wrong["gold_pair_accuracy"] == 0.0
    same = gold_report(answers, [0.0] * 16)
    assert same["gold_pair_accuracy"] == 0.5
    assert isinstance(rows[0], Preference)
    assert "gold_correlation" not in gold_report([replace(answers[0], gold=None)], [1.0])
