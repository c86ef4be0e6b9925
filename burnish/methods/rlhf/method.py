"""RLHF (InstructGPT, arXiv:2203.02155): imitate, learn what people like, reinforce what pays.

SFT on the written answers, then a reward model on what people say of answers, then PPO on its
rewards, which stays close to the SFT policy. README.md beside this file has the equations.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.evaluation.answer_measure import measure_of_answers
from burnish.evaluation.reward_model_agreement import row_metrics
from burnish.graders.grader import Grader
from burnish.models.policy import Policy
from burnish.training.answer_rewards import RewardScaleConfig, RewardSource
from burnish.training.answer_rl import AnswerRlConfig, reinforce_answers
from burnish.training.reward_model_source import reward_model_source
from burnish.training.reward_training import RewardTrainingConfig
from burnish.training.stage import Measure, Stage, StageRun
from burnish.training.supervised import SupervisedConfig, imitate_written
from burnish.training.workbench import Workbench

SFT = "sft"
RLHF = "rlhf"
SourceName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""It is also the name of stages, and so of folders."""


class RewardModelSourceConfig(RewardTrainingConfig):
    """A reward model that pays, trained in this run or before."""

    models: tuple[Path, ...] = ()
    """Folders of trained reward models to ask (several are an ensemble), such as
    RUN/stages/01-reward_model/selected; none: one is trained, as the other settings say."""
    start: Literal["sft", "base"] = "sft"
    """Whose backbone it is trained from: the policy after SFT, or the recipe's model."""
    scale: RewardScaleConfig = RewardScaleConfig()
    """What it counts beside other sources."""


class VerifiableConfig(RewardScaleConfig):
    """The recipe's grader as a source of rewards, usually a check that cannot be fooled."""

    units: Literal["standard", "raw"] = "raw"
    """raw: as the grader pays; standard: as for other sources."""
    clip: float | None = Field(default=None, gt=0)
    """It counts so much at most; default: no limit."""


class RlhfConfig(Config):
    """Reinforcement learning from human feedback."""

    type: Literal["rlhf"] = "rlhf"
    """the method"""
    sft: SupervisedConfig | None = SupervisedConfig(epochs=2)
    """Supervised fine-tuning on the task's answers to imitate; its last model is where RL starts
    and what it stays close to; null: the recipe's model is."""
    reward_models: dict[SourceName, RewardModelSourceConfig] = Field(
        default_factory=lambda: {"reward_model": RewardModelSourceConfig()}
    )
    """By name; the rewards of several are added up by their weights."""
    verifiable: VerifiableConfig | None = None
    """Also pay what the recipe's grader says; default: do not."""
    reinforce: AnswerRlConfig = AnswerRlConfig()
    """PPO."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sft where there is one, the reward models that are to be trained, and rlhf."""
        stages: list[Stage] = []
        if self.sft is not None:
            stages.append(
                Stage(SFT, partial(imitate_written, bench=bench, config=self.sft), hands_on="last")
            )
        for name, config in self.reward_models.items():
            if not config.models:
                start = partial(self._start_of, config)
                stages += config.training_stages(bench, name=name, start=start, metrics=row_metrics)
        reinforce = partial(
            reinforce_answers,
            bench=bench,
            config=self.reinforce,
            start=self.start,
            sources=partial(self.sources, bench=bench),
            measure_of=partial(self._measure, bench),
        )
        return [*stages, Stage(RLHF, reinforce, hands_on=self.reinforce.hands_on)]

    @property
    def start(self) -> str | None:
        """The stage whose model RL starts from; None is the recipe's."""
        return None if self.sft is None else SFT

    def sources(self, run: StageRun, *, bench: Workbench) -> list[RewardSource]:
        """Who pays, with the models that earlier stages of the run have trained."""
        found = [
            reward_model_source(
                name,
                config.models or [run.artifacts[stage] for stage in config.paying_stages(name)],
                bench=bench,
                scale=config.scale,
                weights=None if config.gate is not None else config.weights,
                pessimism=config.pessimism,
            )
            for name, config in self.reward_models.items()
        ]
        if self.verifiable is not None:
            found.append(RewardSource("grader", (bench.grader,), self.verifiable))
        return found

    def _start_of(self, config: RewardModelSourceConfig, run: StageRun) -> Path | None:
        return run.artifacts[SFT] if config.start == "sft" and self.sft is not None else None

    def _measure(
        self, bench: Workbench, policy: Policy, reference: Policy, payer: Grader
    ) -> Measure:
        kl_coef = self.reinforce.kl.coef
        return measure_of_answers(bench, policy, reference, payer, kl_coef=kl_coef)

    @model_validator(mode="after")
    def _somebody_pays_and_names_differ(self) -> Self:
        if not self.reward_models and self.verifiable is None:
            raise ValueError("nobody pays: name a reward model under reward_models, or verifiable")
        taken = {SFT, RLHF, "grader"}
        for name, config in self.reward_models.items():
            names = {name, *config.stage_names(name)}
            if names & taken:
                raise ValueError(
                    f"reward_models.{name}: this method has a stage or source called"
                    f" {min(names & taken)} already; choose another name"
                )
            taken |= names
        return self
