"""GRPO and its relatives: reinforcement whose baseline is other answers, and no critic.

Shao et al. 2024 (arXiv:2402.03300) and those who changed one part of it each: all are one stage
(`reinforce.py`) with other parts (`config.py`). README.md beside this file has the table of
methods, the equations and where we differ from the papers.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeAlias

from pydantic import Field

from burnish.methods.grpo.advantage import (
    AnyAdvantage,
    GreedyBaseline,
    GroupCentred,
    LeaveOneOut,
    WhitenedCentred,
    WhitenedOverOthers,
    WhitenedToGo,
)
from burnish.methods.grpo.aggregation import (
    AnyAggregation,
    ConstantMean,
    SequenceSum,
    TokenMean,
)
from burnish.methods.grpo.config import GroupConfig
from burnish.methods.grpo.credit import OverlongConfig
from burnish.methods.grpo.kl import AnyKl, KlInLoss, KlInReward
from burnish.methods.grpo.loss import AnyLoss, Capped, Clip, Reinforce, SequenceClip
from burnish.methods.grpo.reinforce import reinforce_groups
from burnish.methods.grpo.sampling import DynamicSamplingConfig
from burnish.training.learner import OptimizerConfig
from burnish.training.stage import Stage
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.workbench import Workbench

WARM_UP = "warm_up"


class GroupMethodConfig(GroupConfig):
    """A supervised warm-up where there is one, then the stage of group methods."""

    warm_up: SupervisedConfig | None = None
    """Supervised training on the annotated rows, whose last model is then the start and the
    reference; default: none, the start is the recipe's model."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up where there is one, then reinforce."""
        warm_up = [
            Stage(WARM_UP, partial(imitate, bench=bench, config=config), hands_on="last")
            for config in [self.warm_up]
            if config is not None
        ]
        start = WARM_UP if warm_up else None
        run = partial(reinforce_groups, bench=bench, config=self, start=start)
        return [*warm_up, Stage("reinforce", run)]


class GrpoConfig(GroupMethodConfig):
    """GRPO (arXiv:2402.03300)."""

    type: Literal["grpo"] = "grpo"
    """normalised within the group, clip, mean over each answer, k3 in the loss"""


class DrGrpoConfig(GroupMethodConfig):
    """Dr. GRPO (arXiv:2503.20783): GRPO without the two divisions that favour some answers."""

    type: Literal["dr_grpo"] = "dr_grpo"
    """centred within the group, clip, divided by a constant, no KL"""
    advantage: AnyAdvantage = GroupCentred()
    """A: not divided by the group's deviation."""
    aggregation: AnyAggregation = ConstantMean()
    """Not divided by the answer's length."""
    kl: AnyKl | None = None
    """None."""


class DapoConfig(GroupMethodConfig):
    """DAPO (arXiv:2503.14476): clip-higher, dynamic sampling, token mean, overlong penalty."""

    type: Literal["dapo"] = "dapo"
    """normalised within the group, clip-higher, mean over tokens, no KL"""
    loss: AnyLoss = Clip(clip_low=0.2, clip_high=0.28)
    """Room for unlikely tokens to become likelier."""
    aggregation: AnyAggregation = TokenMean()
    """Every token of the batch weighs the same."""
    kl: AnyKl | None = None
    """None."""
    dynamic_sampling: DynamicSamplingConfig | None = DynamicSamplingConfig()
    """Every group that is learnt from has right and wrong answers."""
    overlong: OverlongConfig | None = OverlongConfig()
    """Long answers are paid less."""


class RlooConfig(GroupMethodConfig):
    """RLOO (arXiv:2402.14740): REINFORCE on whole answers, over the mean of the others."""

    type: Literal["rloo"] = "rloo"
    """leave-one-out, REINFORCE, sum over the answer, k1 in the reward"""
    samples_per_problem: int = Field(default=4, ge=1)
    """k of the paper: 2 or 4."""
    advantage: AnyAdvantage = LeaveOneOut()
    """A: over the mean of the other answers."""
    loss: AnyLoss = Reinforce()
    """No ratio, no clip."""
    aggregation: AnyAggregation = SequenceSum()
    """log pi of the whole answer."""
    kl: AnyKl | None = KlInReward(coef=0.03)
    """beta; the paper: 0.03."""


class ReinforcePlusPlusConfig(GroupMethodConfig):
    """REINFORCE++ (arXiv:2501.03262): one answer a question, whitened over the batch."""

    type: Literal["reinforce_plus_plus"] = "reinforce_plus_plus"
    """whitened returns to go, clip, mean over each answer, k1 in the reward"""
    batch_size: int = Field(default=128, ge=1)
    """Questions of one step: they are each other's baseline."""
    samples_per_problem: int = Field(default=1, ge=1)
    """k of the paper."""
    advantage: AnyAdvantage = WhitenedToGo()
    """A: over the mean of the batch."""
    kl: AnyKl | None = KlInReward(coef=0.01)
    """beta."""


class ReinforcePlusPlusBaselineConfig(GroupMethodConfig):
    """REINFORCE++ with baseline (arXiv:2501.03262): the group's mean, then the whole batch."""

    type: Literal["reinforce_plus_plus_baseline"] = "reinforce_plus_plus_baseline"
    """centred within the group, whitened over the batch, clip, mean over each answer, k2 in loss"""
    advantage: AnyAdvantage = WhitenedCentred()
    """A: one deviation for all groups."""
    kl: AnyKl | None = KlInLoss(coef=0.01, estimator="k2")
    """beta."""


class ReMaxConfig(GroupMethodConfig):
    """ReMax (arXiv:2310.10505): REINFORCE over the reward of the greedy answer."""

    type: Literal["remax"] = "remax"
    """over the greedy answer, REINFORCE, sum over the answer, k1 in the reward"""
    samples_per_problem: int = Field(default=1, ge=1)
    """Answers of each question beside the greedy one; the paper: 1."""
    advantage: AnyAdvantage = GreedyBaseline()
    """A: over the greedy answer."""
    loss: AnyLoss = Reinforce()
    """No ratio, no clip."""
    aggregation: AnyAggregation = SequenceSum()
    """log pi of the whole answer."""
    kl: AnyKl | None = KlInReward(coef=0.05)
    """beta."""


class GspoConfig(GroupMethodConfig):
    """GSPO (arXiv:2507.18071): GRPO with one ratio, and one clip, for the whole answer."""

    type: Literal["gspo"] = "gspo"
    """normalised within the group, sequence clip, mean over answers, no KL"""
    loss: AnyLoss = SequenceClip()
    """Clipped in thousandths: a mean over tokens moves little."""
    kl: AnyKl | None = None
    """None."""
    num_minibatches: int = Field(default=4, ge=1)
    """Updates of a step; the paper: 4. In the first one every ratio is 1."""


class CispoConfig(GroupMethodConfig):
    """CISPO (arXiv:2506.13585): REINFORCE with a capped weight; no token loses its gradient."""

    type: Literal["cispo"] = "cispo"
    """normalised within the group, capped weight, mean over tokens, no KL"""
    loss: AnyLoss = Capped()
    """Every token keeps its gradient."""
    aggregation: AnyAggregation = TokenMean()
    """Every token of the batch weighs the same."""
    kl: AnyKl | None = None
    """None."""
    num_minibatches: int = Field(default=4, ge=1)
    """Updates of a step; the paper: 16. In the first one every ratio is 1."""


class GroupReftConfig(GroupMethodConfig):
    """ReFT (arXiv:2401.08967) with the mean of the other answers in place of the critic."""

    type: Literal["group_reft"] = "group_reft"
    """whitened over the others, clip, mean over each answer, k1 in the reward"""
    warm_up: SupervisedConfig | None = SupervisedConfig(epochs=2)
    """W: supervised warm-up; the RL stage starts from its last checkpoint and stays close to it."""
    epochs: float = Field(default=300, gt=0)
    """Passes over the training questions, those for G answers taken as one."""
    samples_per_problem: int = Field(default=8, ge=2)
    """G: at least two, to be compared."""
    advantage: AnyAdvantage = WhitenedOverOthers()
    """A: GAE at lambda = 1 with the mean of the others for V."""
    kl: AnyKl | None = KlInReward(coef=0.05)
    """beta; the paper: 0.05 N-CoT, 0.01 P-CoT."""
    num_epochs: int = Field(default=2, ge=1)
    """U: updates on each batch."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=3e-7, schedule="constant", warmup_ratio=0.0
    )
    """AdamW, constant rate, no warm-up."""


AnyGroupMethod: TypeAlias = (
    GrpoConfig
    | DrGrpoConfig
    | DapoConfig
    | RlooConfig
    | ReinforcePlusPlusConfig
    | ReinforcePlusPlusBaselineConfig
    | ReMaxConfig
    | GspoConfig
    | CispoConfig
    | GroupReftConfig
)
"""Named methods, each a choice of parts."""
