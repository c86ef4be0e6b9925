"""A reward model, trained alone: from what people say of answers to a number for each.

Four kinds of feedback: comparisons (Bradley-Terry; InstructGPT, arXiv:2203.02155), ratings on a
scale (ordinal regression), several attributes (HelpSteer, arXiv:2311.09528) and free comments,
which a judge turns into a score with a confidence. README.md beside this file has the equations.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from burnish.errors import ConfigError
from burnish.evaluation.reward_model_agreement import row_metrics
from burnish.training.reward_model_stage import FIT_STAGE
from burnish.training.reward_training import RewardTrainingConfig
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench


class RewardModelConfig(RewardTrainingConfig):
    """A model of what people like."""

    type: Literal["reward_model"] = "reward_model"
    """the method"""
    start: Path | None = None
    """Whose backbone it starts from, such as a policy after SFT; default: the recipe's model."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """reward_model; of an ensemble reward_model_1, reward_model_2, and so on.

        Before them comments, which trains nothing, where the feedback is comments; after them the
        gate, where attributes have one.
        """
        if bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: a reward model reads texts with the full vocabulary. Set it"
                " to false; saved policies have their full vocabulary anyway."
            )
        return self.training_stages(
            bench, name=FIT_STAGE, start=lambda _run: self.start, metrics=row_metrics
        )
