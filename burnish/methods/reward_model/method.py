"""A reward model, trained alone: from what people say of answers to a number for each.

Four kinds of feedback: comparisons (Bradley-Terry; InstructGPT, arXiv:2203.02155), ratings on a
scale (ordinal regression), several attributes (HelpSteer, arXiv:2311.09528) and free comments,
which a judge turns into a score with a confidence. README.md beside this file has the equations.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.feedback.kinds import FeedbackTask
from burnish.errors import ConfigError
from burnish.evaluation.reward_model_agreement import row_metrics
from burnish.training.comment_reading import CommentsConfig, judge_comments
from burnish.training.reward_model import FitConfig
from burnish.training.reward_model_attributes import AttributesConfig, GateConfig
from burnish.training.reward_model_comparisons import ComparisonsConfig
from burnish.training.reward_model_stage import (
    COMMENTS_STAGE,
    FIT_STAGE,
    GATE_STAGE,
    FeedbackConfig,
    train_gate,
    train_rewards,
)
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench


class RewardModelConfig(Config):
    """A model of what people like."""

    type: Literal["reward_model"] = "reward_model"
    """the method"""
    feedback: FeedbackConfig = ComparisonsConfig()
    """What is learnt from: comparisons, ratings, attributes or comments."""
    num_labels: int | None = Field(default=None, ge=1)
    """Rows of training feedback that are used, from the first; default: all."""
    num_models: int = Field(default=1, ge=1, le=16)
    """Members of an ensemble; they differ in the head they start from and the order of the rows."""
    pessimism: float = Field(default=1.0, ge=0)
    """k: an ensemble's reward is the mean less k standard deviations over its members."""
    start: Path | None = None
    """Whose backbone it starts from, such as a policy after SFT; default: the recipe's model."""
    fit: FitConfig = FitConfig()
    """The training."""

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
        if not isinstance(bench.task, FeedbackTask):
            raise ConfigError(
                "method.type: a reward model learns from feedback, and this task has none. Use"
                " `task: {type: replies}` or `task: {type: feedback_rows, train: my_rows.jsonl}`."
            )
        train = partial(
            train_rewards,
            bench=bench,
            task=bench.task,
            feedback=self.feedback,
            num_labels=self.num_labels,
            config=self.fit,
            start=self.start,
            metrics=row_metrics,
        )
        stages = [Stage(name, train) for name in self.stage_names]
        if self.gate is not None:
            mix = partial(
                train_gate,
                bench=bench,
                task=bench.task,
                gate=self.gate,
                num_labels=self.num_labels,
                metrics=row_metrics,
            )
            stages.append(Stage(GATE_STAGE, mix))
        if not isinstance(self.feedback, CommentsConfig):
            return stages
        judge = partial(
            judge_comments, task=bench.task, config=self.feedback, num_labels=self.num_labels
        )
        return [Stage(COMMENTS_STAGE, judge, hands_on=None), *stages]

    @property
    def stage_names(self) -> list[str]:
        """Of the stages that train a model."""
        if self.num_models == 1:
            return [FIT_STAGE]
        return [f"{FIT_STAGE}_{member}" for member in range(1, self.num_models + 1)]

    @property
    def gate(self) -> GateConfig | None:
        """What weighs attributes by the prompt, if anything does."""
        return self.feedback.gate if isinstance(self.feedback, AttributesConfig) else None

    @property
    def weights(self) -> dict[str, float] | None:
        """Of the attributes in the reward, where there are several."""
        return self.feedback.weights if isinstance(self.feedback, AttributesConfig) else None

    @model_validator(mode="after")
    def _a_gate_has_one_model(self) -> Self:
        if self.gate is not None and self.num_models > 1:
            raise ValueError(
                "feedback.gate mixes the attributes of one model; set num_models to 1, or leave the"
                " gate out"
            )
        return self
