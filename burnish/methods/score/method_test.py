from __future__ import annotations

from typing import cast

import pytest
from pydantic import ValidationError

from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.method import ScoreConfig
from burnish.methods.score.reinforce import StageOneConfig, StageTwoConfig
from burnish.training.attempt_data import read_chains
from burnish.training.stage import StageRun
from burnish.training.workbench import Workbench

BENCH = cast("Workbench", None)
"""Stages are listed without it."""


def test_score_is_two_stages_that_hand_on_their_choice():
    config = ScoreConfig(stage_one=StageOneConfig(hands_on="rewarded"))
    first, second = config.stages(BENCH)
    assert (first.name, first.hands_on) == ("stage_one", "rewarded")
    assert (second.name, second.hands_on) == ("stage_two", "selected")


def test_stage_one_can_be_left_out():
    assert [stage.name for stage in ScoreConfig(stage_one=None).stages(BENCH)] == ["stage_two"]


def test_star_can_stand_in_for_reinforce_in_stage_two():
    config = ScoreConfig.model_validate({"stage_two": {"type": "star", "iterations": 2}})
    stages = config.stages(BENCH)
    assert [(stage.name, stage.hands_on) for stage in stages] == [
        ("stage_one", "selected"),
        ("stage_two_sample_1", None),
        ("stage_two_train_1", "selected"),
        ("stage_two_sample_2", None),
        ("stage_two_train_2", "selected"),
    ]
    assert ScoreConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("settings", [{}, {"type": "reinforce"}, {"bonus_coef": 3.0}])
def test_stage_two_is_reinforce_unless_it_says_otherwise(settings):
    config = ScoreConfig.model_validate({"stage_two": settings})
    assert config.stage_two == StageTwoConfig.model_validate(settings)
    assert ScoreConfig.model_validate(config.model_dump(mode="json")) == config


def test_kind_of_stage_two_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ValidationError, match=r"type is reinforce, .* or star"):
        ScoreConfig.model_validate({"stage_two": {"type": "ppo"}})


def test_star_of_stage_two_samples_and_trains_the_model_of_stage_one(
    attempts_bench, other_folder, tmp_path
):
    """Without Stage I the same sections sample and train the recipe's model."""
    stage_two = {
        "type": "star",
        "iterations": 1,
        "keep": "improved_and_right",
        "sample": {"num_problems": 4, "samples_per_problem": 4},
        "train": {"num_steps": 1, "batch_size": 99},
    }
    known = {"stage_one": other_folder, "stage_two_sample_1": tmp_path / "with"}
    chains, losses = [], []
    for name, settings in (("with", {}), ("without", {"stage_one": None})):
        tree = {"stage_two": stage_two, "correction": {"instruction": "Once more."}, **settings}
        sample, train = ScoreConfig.model_validate(tree).stages(attempts_bench)[-2:]
        list(sample.run(StageRun("s", tmp_path / name, seed=1, artifacts=known)))
        chains.append(read_chains(tmp_path / name))
        (result,) = train.run(StageRun("t", tmp_path / "train", seed=1, artifacts=known))
        losses.append(result.metrics["train/loss"])
    assert chains[0] != chains[1]
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)  # on the same second attempts


def test_defaults_are_those_of_the_papers_table():
    first, second = StageOneConfig(), StageTwoConfig()
    assert (first.kl_coef, first.first_kl_coef, second.bonus_coef) == (0.01, 0.1, 10.0)
    assert first.num_steps + second.num_steps == 3000
    assert first.batch_size * first.samples_per_problem == 512
    assert (first.optimizer.learning_rate, first.temperature) == (5e-6, 1.0)
    assert ScoreConfig().correction.turns == 2


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        (StageTwoConfig, {"bonus_coef": -1.0}),
        (StageTwoConfig, {"kl_coef": -0.01}),
        (StageOneConfig, {"first_kl_coef": -0.1}),
        (AttemptsConfig, {"baseline_rate": 0.0}),
    ],
)
def test_alpha_and_beta_out_of_range_are_errors(config, settings):
    (name,) = settings
    with pytest.raises(ValidationError, match=name):
        config.model_validate(settings)


def test_one_sample_of_a_problem_has_no_other_to_be_compared_with():
    with pytest.raises(ValidationError, match="nothing to compare a sample with"):
        StageOneConfig(samples_per_problem=1)
    assert StageOneConfig(samples_per_problem=1, baseline="batch_mean").samples_per_problem == 1
