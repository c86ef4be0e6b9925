from __future__ import annotations

from typing import cast

from burnish.methods.reft.method import ReftConfig
from burnish.training.supervised import SupervisedConfig
from burnish.training.workbench import Workbench

BENCH = cast("Workbench", None)
"""Stages are listed without it."""


def test_reft_hands_its_last_warm_up_model_to_the_reinforcement():
    warm_up, reft = ReftConfig().stages(BENCH)
    assert (warm_up.name, warm_up.hands_on) == ("warm_up", "last")
    assert (reft.name, reft.hands_on) == ("reft", "selected")


def test_sft_baseline_stands_between_them_where_it_is_asked_for():
    stages = ReftConfig(sft=SupervisedConfig(epochs=3)).stages(BENCH)
    assert [stage.name for stage in stages] == ["warm_up", "sft", "reft"]


def test_warm_up_has_the_epochs_of_the_papers_scripts():
    assert ReftConfig().warm_up.epochs == 2
    assert SupervisedConfig().epochs == 40
    assert SupervisedConfig().batch_size == 48
