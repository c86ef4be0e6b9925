from __future__ import annotations

from typing import cast

import pytest
from pydantic import ValidationError

from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.method import ScoreConfig
from burnish.methods.score.reinforce import StageOneConfig, StageTwoConfig
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
