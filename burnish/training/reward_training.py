"""What a recipe says of training a reward model, and the stages that follow from it.

Several reward models of one run have several names, by which their stages are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.feedback.kinds import FeedbackTask
from burnish.errors import ConfigError
from burnish.training.comment_reading import CommentsConfig, judge_comments
from burnish.training.reward_model import FitConfig, RowMetrics
from burnish.training.reward_model_attributes import AttributesConfig, GateConfig
from burnish.training.reward_model_comparisons import ComparisonsConfig
from burnish.training.reward_model_stage import (
    FIT_STAGE,
    FeedbackConfig,
    comments_stage,
    gate_stage,
    train_gate,
    train_rewards,
)
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.workbench import Workbench

StartOf: TypeAlias = Callable[[StageRun], Path | None]
"""Whose backbone a reward model starts from; None is the recipe's model."""


class RewardTrainingConfig(Config):
    """A model of what people like."""

    feedback: FeedbackConfig = ComparisonsConfig()
    """What is learnt from: comparisons, ratings, attributes or comments."""
    num_labels: int | None = Field(default=None, ge=1)
    """Rows of training feedback that are used, from the first; default: all."""
    num_models: int = Field(default=1, ge=1, le=16)
    """Members of an ensemble; they differ in the head they start from and the order of the rows."""
    pessimism: float = Field(default=1.0, ge=0)
    """k: an ensemble's reward is the mean less k standard deviations over its members."""
    fit: FitConfig = FitConfig()
    """The training."""

    def training_stages(
        self, bench: Workbench, *, name: str, start: StartOf, metrics: RowMetrics
    ) -> list[Stage]:
        """NAME; of an ensemble NAME_1, NAME_2, and so on. Raises ConfigError without feedback.

        Before them comments, which trains nothing, where the feedback is comments; after them the
        gate, where attributes have one.
        """
        task = bench.task
        if not isinstance(task, FeedbackTask):
            raise ConfigError(
                "method.type: a reward model learns from feedback, and this task has none. Use"
                " `task: {type: replies}` or `task: {type: feedback_rows, train: my_rows.jsonl}`."
            )

        def train(run: StageRun) -> Iterator[StepResult]:
            return train_rewards(
                run,
                bench=bench,
                task=task,
                feedback=self.feedback,
                num_labels=self.num_labels,
                config=self.fit,
                start=start(run),
                metrics=metrics,
                name=name,
            )

        stages = [Stage(fitted, train, trains="value_model") for fitted in self.fit_stages(name)]
        if self.gate is not None:
            mix = partial(
                train_gate,
                bench=bench,
                task=task,
                gate=self.gate,
                num_labels=self.num_labels,
                metrics=metrics,
                name=name,
            )
            stages.append(Stage(gate_stage(name), mix, trains="value_model"))
        if not isinstance(self.feedback, CommentsConfig):
            return stages
        judge = partial(judge_comments, task=task, config=self.feedback, num_labels=self.num_labels)
        return [Stage(comments_stage(name), judge, hands_on=None), *stages]

    def fit_stages(self, name: str = FIT_STAGE) -> list[str]:
        """Names of the stages that train a model."""
        if self.num_models == 1:
            return [name]
        return [f"{name}_{member}" for member in range(1, self.num_models + 1)]

    def paying_stages(self, name: str = FIT_STAGE) -> list[str]:
        """Names of the stages whose models say what an answer is worth: the gate where there is
        one, else all that are fitted."""
        return self.fit_stages(name) if self.gate is None else [gate_stage(name)]

    def stage_names(self, name: str = FIT_STAGE) -> list[str]:
        """Of all stages."""
        gates = [] if self.gate is None else [gate_stage(name)]
        return [comments_stage(name), *self.fit_stages(name), *gates]

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
