"""RLAIF (Lee et al. 2023, arXiv:2309.00267): a judge's labels in the place of people's.

Canonical: SFT, answers of the SFT model compared by a judge, a reward model on the soft labels,
and RL on its rewards. `direct.py` leaves the reward model out. README.md has the equations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.errors import ConfigError
from burnish.evaluation.agreement_by_source import row_metrics_by_source
from burnish.evaluation.answer_measure import measure_of_answers
from burnish.graders.grader import Grader
from burnish.models.policy import Policy
from burnish.training.answer_rewards import RewardScaleConfig, RewardSource
from burnish.training.answer_rl import AnswerRlConfig, reinforce_answers
from burnish.training.judging.judge_grader import TrueRewardGrader
from burnish.training.judging.judges import AnyPairJudgeConfig
from burnish.training.judging.labelling import (
    LabelsConfig,
    ai_preferences,
    label_pairs,
    read_labels,
    sampled_pairs,
)
from burnish.training.judging.pair_judge import ModelPairJudgeConfig
from burnish.training.kl_control import FixedKlConfig, KlConfig
from burnish.training.learner import OptimizerConfig
from burnish.training.ppo import PpoConfig
from burnish.training.preference_mix import PreferenceMixConfig, fit_mixed, mixed_preferences
from burnish.training.reward_model_source import reward_model_source
from burnish.training.samples import SampleDataConfig, collect_samples, read_samples
from burnish.training.stage import Measure, Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate_written
from burnish.training.workbench import Workbench

SFT, SAMPLE, LABEL, REWARD_MODEL, RLAIF = "sft", "sample", "label", "reward_model", "rlaif"


class ComparedAnswersConfig(SampleDataConfig):
    """The answers that the judge compares."""

    samples_per_problem: int = Field(default=2, ge=2)
    """Answers to each problem."""
    temperature: float = Field(default=0.9, gt=0)
    """Of the answers."""
    top_k: int = Field(default=0, ge=0)
    """Drawn from are the k most likely tokens; 0: all."""


class ReinforceConfig(AnswerRlConfig):
    """REINFORCE with a value baseline; the defaults are the paper's."""

    epochs: float = Field(default=8, gt=0)
    """Passes over the training questions; the paper: 8."""
    batch_size: int = Field(default=128, ge=1)
    """Questions of one step; the paper: 128."""
    temperature: float = Field(default=0.9, gt=0)
    """Of the rollouts; the paper: 0.9. At another one than 1 the KL is only estimated."""
    kl: KlConfig = FixedKlConfig(coef=0.05)
    """beta: fixed, or adaptive; the paper: 0.05."""
    gae_lambda: float = Field(default=1.0, ge=0, le=1)
    """lambda; at 1 the advantage is the return less the value."""
    ppo: PpoConfig = PpoConfig(num_epochs=1, value_coef=1.0)
    """The update; in the first pass nothing is clipped, so one pass is REINFORCE."""
    optimizer: OptimizerConfig = OptimizerConfig(
        learning_rate=1e-5, schedule="constant", warmup_ratio=0.0
    )
    """AdamW, where the paper has Adafactor at the same rate."""


class LabelRewardConfig(PreferenceMixConfig):
    """The reward model."""

    start: Literal["sft", "model"] = "sft"
    """Whose backbone it has: the policy after SFT, or the recipe's model."""


class RlaifConfig(Config):
    """Canonical RLAIF."""

    type: Literal["rlaif"] = "rlaif"
    """the method"""
    sft: SupervisedConfig | None = None
    """Supervised fine-tuning on the task's written answers, whose model then answers, and is where
    RL starts and what it stays close to; default: the recipe's model is."""
    sample: ComparedAnswersConfig = ComparedAnswersConfig()
    """The answers that are compared."""
    labels: LabelsConfig = LabelsConfig()
    """Which pairs of them are."""
    judge: AnyPairJudgeConfig = ModelPairJudgeConfig()
    """Who compares them: model (here or behind a server), or simulated."""
    reward_model: LabelRewardConfig = LabelRewardConfig()
    """Learns the soft labels, and people's where they are mixed in."""
    scale: RewardScaleConfig = RewardScaleConfig()
    """What the reward model pays."""
    reinforce: ReinforceConfig = ReinforceConfig()
    """RL."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sft where there is one, sample, label, reward_model, rlaif."""
        if bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: a reward model reads texts with the full vocabulary. Set it"
                " to false; saved policies have their full vocabulary anyway."
            )
        return [
            *sft_stages(bench, self.sft),
            Stage(SAMPLE, partial(self._sample, bench=bench), hands_on=None),
            Stage(LABEL, partial(self._label, bench=bench), hands_on=None),
            Stage(REWARD_MODEL, partial(self._fit, bench=bench), trains="value_model"),
            Stage(RLAIF, partial(self._reinforce, bench=bench), hands_on=self.reinforce.hands_on),
        ]

    @property
    def start(self) -> str | None:
        """The stage whose model answers and where RL starts; None is the recipe's."""
        return None if self.sft is None else SFT

    def sources(self, run: StageRun, *, bench: Workbench) -> list[RewardSource]:
        """Who pays in RL: the reward model of the judge's labels."""
        folders = [run.artifacts[REWARD_MODEL]]
        return [reward_model_source(REWARD_MODEL, folders, bench=bench, scale=self.scale)]

    def _sample(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage that trains nothing: answers to be compared, which nobody has to grade."""
        policy = bench.load_policy(run.artifacts[self.start] if self.start else None)
        ungraded = replace(bench, grader=TrueRewardGrader(bench.task))
        yield from collect_samples(run, bench=ungraded, policy=policy, config=self.sample)

    def _label(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage that trains nothing: soft labels of pairs."""
        problems = {problem.id: problem for problem in bench.problems("train")}
        pairs = sampled_pairs(
            read_samples(run.artifacts[SAMPLE]),
            problems,
            pairs_per_problem=self.labels.pairs_per_problem,
        )
        judge = self.judge.build(bench)
        yield from label_pairs(run, pairs, task=bench.task, judge=judge, config=self.labels)

    def _fit(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage: cross-entropy against the soft labels."""
        problems = {problem.id: problem for problem in bench.problems("train")}
        judged = ai_preferences(read_labels(run.artifacts[LABEL]), problems)
        is_sft = self.reward_model.start == "sft" and self.start is not None
        yield from fit_mixed(
            run,
            bench=bench,
            mixed=mixed_preferences(judged, bench, self.reward_model),
            config=self.reward_model,
            start=run.artifacts[SFT] if is_sft else None,
            metrics=row_metrics_by_source,
        )

    def _reinforce(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage: RL from the model that has answered."""
        yield from reinforce_answers(
            run,
            bench=bench,
            config=self.reinforce,
            start=self.start,
            sources=partial(self.sources, bench=bench),
            measure_of=partial(measure_less_kl, bench, self.reinforce),
        )


def sft_stages(bench: Workbench, config: SupervisedConfig | None) -> list[Stage]:
    """The stage `sft`, where the recipe has one."""
    if config is None:
        return []
    learn = partial(imitate_written, bench=bench, config=config)
    return [Stage(SFT, learn, hands_on="last")]


def measure_less_kl(
    bench: Workbench, config: AnswerRlConfig, policy: Policy, reference: Policy, payer: Grader
) -> Measure:
    """Proxy reward less beta KL, and the parts of it."""
    return measure_of_answers(bench, policy, reference, payer, kl_coef=config.kl.coef)
