"""What every stage of reinforcement on attempts can be set to."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.methods.score.baselines import BaselineName
from burnish.training.learner import OptimizerConfig
from burnish.training.stage import ModelChoice


class AttemptsConfig(Config):
    """What both stages have; the defaults are the paper's for MATH (table 5)."""

    num_steps: int = Field(default=1500, ge=1)
    """Updates; the paper: 3000 in both stages together, without saying how they are divided."""
    batch_size: int = Field(default=64, ge=1)
    """Problems of one step; with the samples of each, the paper's batch of 512."""
    samples_per_problem: int = Field(default=8, ge=1)
    """Chains of attempts sampled for each problem of a step."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts."""
    kl_coef: float = Field(default=0.01, ge=0)
    """beta1: weight of the KL of every attempt to the base model."""
    reward: Literal["correct", "graded"] = "correct"
    """r: 1 for a right attempt and 0 for any other (the paper), or whatever the grader pays, such
    as partial credit."""
    baseline: BaselineName = "leave_one_out"
    """What an attempt's return is compared with: the other samples of its problem, the whole
    batch, or an exponential average over steps. The paper does not say."""
    baseline_rate: float = Field(default=0.05, gt=0, le=1)
    """moving_average only: weight of the newest batch."""
    max_logp_gap: float = Field(default=0.1, gt=0)
    """Nats a token by which engine and learner may differ on average before the run stops."""
    eval_every: int = Field(default=50, ge=1)
    """Steps between checkpoints to choose from: each is evaluated on dev, and has a training
    reward."""
    hands_on: ModelChoice = "selected"
    """Which model stands for the stage: selected (by dev accuracy of the last attempt), rewarded
    (by training reward, as in the paper) or last. Results report all three."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=5e-6, schedule="constant", warmup_ratio=0.0
    )
    """Adam; the paper names only the rate."""

    @model_validator(mode="after")
    def _samples_have_others(self) -> Self:
        if self.baseline == "leave_one_out" and self.samples_per_problem < 2:
            raise ValueError(
                "samples_per_problem: 1 leaves nothing to compare a sample with; use 2 or more, or "
                "baseline: batch_mean"
            )
        return self
