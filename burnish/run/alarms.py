"""Tells the user of a collapse when an evaluation shows it, and not again at each that follows.

What a collapse is stands in `evaluation/self_correction.py`; what to do about it depends on the
method that runs, and stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from burnish.evaluation.self_correction import ALARMS
from burnish.methods.pair_sft.method import PairSftConfig
from burnish.methods.score.method import ScoreConfig, StarStageTwoConfig
from burnish.methods.score.reinforce import StageTwoConfig
from burnish.methods.score.single_turn import SingleTurnRlConfig
from burnish.methods.self_refine.method import SelfRefineConfig
from burnish.methods.star_correction.method import StarCorrectionConfig
from burnish.run.progress import Progress
from burnish.run.recipe import MethodConfig
from burnish.training.star import StarConfig

Remedies: TypeAlias = Mapping[str, str]
"""A sentence for each collapse, by its name in `ALARMS`: what to change in the recipe."""


class Alarms:
    """Those of one stage."""

    def __init__(self, progress: Progress, remedies: Remedies) -> None:
        self._progress = progress
        self._remedies = remedies
        self._told: set[str] = set()

    def heed(self, place: str, metrics: Mapping[str, float]) -> None:
        """Warn of every `alarm/NAME` that is 1 for the first time; `place`: where that was."""
        for name, sentence in ALARMS.items():
            if metrics.get(f"alarm/{name}") == 1.0 and name not in self._told:
                self._told.add(name)
                remedy = self._remedies.get(name, "")
                self._progress.warn(f"{place}: {sentence} {remedy}".rstrip())


def remedies_of(method: MethodConfig) -> Remedies:
    """What helps against each collapse in this recipe; nothing for a method that asks once."""
    match method:
        case ScoreConfig(stage_two=StarStageTwoConfig() as star):
            return _of_imitation("method.stage_two.", star)
        case ScoreConfig(stage_two=StageTwoConfig() as stage_two):
            return _of_score(method, stage_two)
        case StarCorrectionConfig() | PairSftConfig():
            return _of_imitation("method.", method)
        case SingleTurnRlConfig():
            return _OF_SINGLE_TURN
        case SelfRefineConfig():
            return {"no_edit": "Nothing is trained: ask in other words (method.correction)."}
        case _:
            return {}


_OF_SINGLE_TURN: Remedies = {
    "no_edit": "Only first attempts are trained here, and paid whatever a second one would be; "
    "method.type: score trains both.",
    "sabotage": "Training has made first attempts worse: lower "
    "method.single_turn.optimizer.learning_rate or raise method.single_turn.kl_coef.",
}


def _of_score(method: ScoreConfig, stage_two: StageTwoConfig) -> Remedies:
    """Stage I is there against the first collapse; KL and bonus decide about the second."""
    if method.stage_one is None:
        copying = "Stage I is there against it: take out stage_one: null."
        kl = "method.stage_two.kl_coef"
    else:
        copying = (
            "Train Stage I longer (method.stage_one.num_steps), or raise "
            "method.stage_one.first_kl_coef."
        )
        kl = "method.stage_two.kl_coef (in Stage I, method.stage_one.first_kl_coef)"
    if not stage_two.bonus_coef:
        return {"no_edit": copying, "sabotage": f"Raise {kl}."}
    failing = f"The bonus can be earned by failing first: raise {kl} or lower its weight, "
    return {"no_edit": copying, "sabotage": f"{failing}method.stage_two.bonus_coef."}


def _of_imitation(section: str, method: StarConfig | PairSftConfig) -> Remedies:
    """Where repairs are imitated; `section`: where the recipe has its settings."""
    copying = f"Imitate more repairs: raise {section}sample.samples_per_problem."
    if method.keep == "improved_and_right":
        copying = (
            f"{section}keep: improved_and_right also imitates right answers that stay as they "
            "are; try improved."
        )
    return {
        "no_edit": copying,
        "sabotage": "Only second attempts are imitated, and first ones share their weights: lower "
        f"{section}train.optimizer.learning_rate or train fewer steps ({section}train.num_steps).",
    }
