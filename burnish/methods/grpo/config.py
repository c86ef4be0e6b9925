"""The parts that a group method is made of, as settings."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.methods.grpo.advantage import (
    AnyAdvantage,
    GreedyBaseline,
    GroupNormalised,
    WhitenedToGo,
)
from burnish.methods.grpo.aggregation import AnyAggregation, SequenceMean
from burnish.methods.grpo.credit import OverlongConfig
from burnish.methods.grpo.kl import AnyKl, KlInLoss, KlInReward
from burnish.methods.grpo.loss import AnyLoss, Clip, Reinforce
from burnish.methods.grpo.sampling import DynamicSamplingConfig
from burnish.training.learner import OptimizerConfig
from burnish.training.problem_stream import RestConfig


class GroupConfig(Config):
    """The parts of a group method; the defaults are GRPO's."""

    epochs: float = Field(default=1, gt=0)
    """Passes over the training questions."""
    num_steps: int | None = Field(default=None, ge=1)
    """RL steps; overrides `epochs`."""
    max_samples: int | None = Field(default=None, ge=1)
    """Answers that the stage samples in all: once they are spent it ends, so that methods which
    ask more a step can be compared with others. Default: no limit."""
    batch_size: int = Field(default=32, ge=1)
    """Questions of one step."""
    samples_per_problem: int = Field(default=16, ge=1)
    """G: answers sampled to each question of a step."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts."""
    advantage: AnyAdvantage = GroupNormalised()
    """A: what multiplies the gradient of an action."""
    loss: AnyLoss = Clip()
    """Of an action, given its advantage."""
    aggregation: AnyAggregation = SequenceMean()
    """From actions to the batch."""
    kl: AnyKl | None = KlInLoss()
    """The price of leaving the model that the stage starts from; null: none, and no copy of it."""
    num_epochs: int = Field(default=1, ge=1)
    """mu: passes over what a step has sampled."""
    num_minibatches: int = Field(default=1, ge=1)
    """Batches that the problems of a step are cut into, with an update for each."""
    dynamic_sampling: DynamicSamplingConfig | None = None
    """Ask further problems in place of those that teach nothing; default: do not."""
    overlong: OverlongConfig | None = None
    """Pay long answers less; default: do not."""
    truncated: Literal["graded", "dropped"] = "graded"
    """Completions that hit the token limit: graded as they stand, or left out of the batch."""
    rest: RestConfig | None = None
    """Leave problems that taught nothing out for some passes; default: ask every one in turn."""
    max_logp_gap: float = Field(default=0.1, gt=0)
    """Nats a token by which engine and learner may differ on average before the run stops."""
    eval_every: int = Field(default=20, ge=1)
    """Steps between evaluations on the dev split."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=1e-6, schedule="constant", warmup_ratio=0.0
    )
    """AdamW, constant rate, no warm-up."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        alone = self.samples_per_problem == 1
        if alone and not isinstance(self.advantage, GreedyBaseline | WhitenedToGo):
            raise ValueError(
                f"advantage {self.advantage.type} compares the answers to a question, and there is "
                "one of each: set samples_per_problem to 2 or more, or advantage to whitened_to_go"
            )
        if alone and self.dynamic_sampling is not None:
            raise ValueError(
                "dynamic_sampling wants right and wrong answers to a question, and there is one of "
                "each: set samples_per_problem to 2 or more, or leave dynamic_sampling out"
            )
        if isinstance(self.loss, Reinforce) and self.num_epochs * self.num_minibatches > 1:
            raise ValueError(
                "loss reinforce has no ratio, so it holds for the policy that sampled alone: set "
                "num_epochs and num_minibatches to 1, or loss to clip"
            )
        return self

    @property
    def samples_of_problem(self) -> int:
        """Answers that asking a problem once costs."""
        return self.samples_per_problem + isinstance(self.advantage, GreedyBaseline)

    @property
    def reward_kl_coef(self) -> float:
        """beta of a KL in the reward; 0 where it is in the loss or nowhere."""
        return self.kl.coef if isinstance(self.kl, KlInReward) else 0.0

    def num_steps_over(self, num_problems: int) -> int:
        """RL steps of the stage."""
        passes = max(1, round(self.epochs * num_problems / self.batch_size))
        return self.num_steps or passes

    def is_spent(self, num_asked: int) -> bool:
        """Whether nothing more may be sampled; `num_asked`: problems that were asked so far."""
        spent = num_asked * self.samples_of_problem
        return self.max_samples is not None and spent >= self.max_samples
