"""Constitutional AI (Bai et al. 2022, arXiv:2212.08073): harmlessness from AI feedback.

The supervised half: a helpful model answers, criticises its answers by principles and revises them,
and a model imitates the revisions. The RL half: that model's answers are compared by a feedback
model, by the same principles; a preference model learns these labels (and people's, of
helpfulness), and PPO follows it. README.md beside this file has the equations.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.errors import ConfigError
from burnish.evaluation.answer_measure import measure_of_answers
from burnish.evaluation.reward_model_agreement import row_metrics
from burnish.graders.grader import Grader
from burnish.methods.constitutional.constitution import Constitution, load_constitution
from burnish.methods.constitutional.feedback_model import FeedbackModelConfig
from burnish.methods.constitutional.revise import ReviseConfig, revise
from burnish.methods.constitutional.supervise import SuperviseConfig, supervise
from burnish.models.policy import Policy
from burnish.training.answer_rewards import RewardScaleConfig, RewardSource
from burnish.training.answer_rl import AnswerRlConfig, reinforce_answers
from burnish.training.judging.labelling import (
    LabelsConfig,
    ai_preferences,
    label_pairs,
    read_labels,
    sampled_pairs,
)
from burnish.training.preference_mix import PreferenceMixConfig, fit_mixed, mixed_preferences
from burnish.training.reward_model_source import reward_model_source
from burnish.training.samples import SampleDataConfig, collect_samples, read_samples
from burnish.training.stage import Measure, Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate_written
from burnish.training.workbench import Workbench

HELPFUL, REVISE, SL_CAI = "helpful", "revise", "sl_cai"
SAMPLE, LABEL, PREFERENCE_MODEL, RL_CAI = "sample", "label", "preference_model", "rl_cai"


class PairSamplesConfig(SampleDataConfig):
    """Answers of the model that has learnt the revisions, to be compared."""

    samples_per_problem: int = Field(default=2, ge=2)
    """Answers to each problem; the paper: 2."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the answers."""
    top_k: int = Field(default=0, ge=0)
    """Drawn from are the k most likely tokens; 0: all."""


class PreferenceModelConfig(PreferenceMixConfig):
    """The preference model."""

    human_labels: int | None = Field(default=None, ge=0)
    """Train comparisons of the task (people's, of helpfulness) that are mixed in, from the first;
    null: all; 0: none."""
    start: Literal["sl_cai", "model"] = "sl_cai"
    """Whose backbone it has: that of the model in training, or the recipe's."""


class ConstitutionalConfig(Config):
    """Constitutional AI, both halves."""

    type: Literal["constitutional"] = "constitutional"
    """the method"""
    constitution: str = "builtin:general"
    """The principles: a YAML file, builtin:general or builtin:replies."""
    helpful: SupervisedConfig | None = None
    """Supervised fine-tuning on the task's written answers, whose model then answers, criticises
    and revises; default: the recipe's model does, which is helpful already."""
    revise: ReviseConfig = ReviseConfig()
    """Answers, critiques and revisions."""
    supervise: SuperviseConfig = SuperviseConfig()
    """Imitation of revisions and helpful answers (SL-CAI)."""
    sample: PairSamplesConfig = PairSamplesConfig()
    """The answers that are compared."""
    labels: LabelsConfig = LabelsConfig()
    """Which of them are."""
    feedback: FeedbackModelConfig = FeedbackModelConfig()
    """Who compares them, by the principles."""
    preference_model: PreferenceModelConfig = PreferenceModelConfig()
    """Learns the comparisons, the feedback model's and people's."""
    scale: RewardScaleConfig = RewardScaleConfig()
    """What the preference model pays."""
    reinforce: AnswerRlConfig = AnswerRlConfig()
    """PPO on what the preference model says (RL-CAI)."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """helpful where there is one, revise, sl_cai, sample, label, preference_model, rl_cai.

        Raises ConfigError for a broken constitution, before anything runs.
        """
        if bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: critiques and a preference model need the whole vocabulary."
                " Set it to false; saved policies have it anyway."
            )
        constitution = load_constitution(self.constitution)
        self.revise.dialogue.exemplar_file()  # broken exemplars are an error now
        stages: list[Stage] = []
        if self.helpful is not None:
            learn = partial(imitate_written, bench=bench, config=self.helpful)
            stages.append(Stage(HELPFUL, learn, hands_on="last"))
        supervise_on = partial(
            supervise, bench=bench, config=self.supervise, data=REVISE, start=self._supervised_start
        )
        return [
            *stages,
            Stage(
                REVISE,
                partial(
                    revise,
                    bench=bench,
                    config=self.revise,
                    constitution=constitution,
                    start=self.answerer,
                ),
                hands_on=None,
            ),
            Stage(SL_CAI, supervise_on, hands_on=self.supervise.hands_on),
            Stage(SAMPLE, partial(self._sample, bench=bench), hands_on=None),
            Stage(
                LABEL, partial(self._label, bench=bench, constitution=constitution), hands_on=None
            ),
            Stage(PREFERENCE_MODEL, partial(self._fit, bench=bench), trains="value_model"),
            Stage(RL_CAI, partial(self._reinforce, bench=bench), hands_on=self.reinforce.hands_on),
        ]

    @property
    def answerer(self) -> str | None:
        """The stage whose model answers and revises; None is the recipe's."""
        return None if self.helpful is None else HELPFUL

    def sources(self, run: StageRun, *, bench: Workbench) -> list[RewardSource]:
        """Who pays in RL: the preference model that the run has trained."""
        folders = [run.artifacts[PREFERENCE_MODEL]]
        return [reward_model_source(PREFERENCE_MODEL, folders, bench=bench, scale=self.scale)]

    @property
    def _supervised_start(self) -> str | None:
        return self.answerer if self.supervise.start == "helpful" else None

    def _sample(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage that trains nothing: answers to be compared."""
        policy = bench.load_policy(run.artifacts[SL_CAI])
        yield from collect_samples(run, bench=bench, policy=policy, config=self.sample)

    def _label(
        self, run: StageRun, *, bench: Workbench, constitution: Constitution
    ) -> Iterator[StepResult]:
        """A stage that trains nothing: soft labels of the pairs."""
        problems = {problem.id: problem for problem in bench.problems("train")}
        pairs = sampled_pairs(
            read_samples(run.artifacts[SAMPLE]),
            problems,
            pairs_per_problem=self.labels.pairs_per_problem,
        )
        judge = self.feedback.build(bench, constitution)
        yield from label_pairs(run, pairs, task=bench.task, judge=judge, config=self.labels)

    def _fit(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage: the preference model."""
        problems = {problem.id: problem for problem in bench.problems("train")}
        judged = ai_preferences(read_labels(run.artifacts[LABEL]), problems)
        config = self.preference_model
        yield from fit_mixed(
            run,
            bench=bench,
            mixed=mixed_preferences(judged, bench, config),
            config=config,
            start=run.artifacts[SL_CAI] if config.start == "sl_cai" else None,
            metrics=row_metrics,
        )

    def _reinforce(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage: PPO."""
        yield from reinforce_answers(
            run,
            bench=bench,
            config=self.reinforce,
            start=SL_CAI,
            sources=partial(self.sources, bench=bench),
            measure_of=partial(self._measure, bench),
        )

    def _measure(
        self, bench: Workbench, policy: Policy, reference: Policy, payer: Grader
    ) -> Measure:
        kl_coef = self.reinforce.kl.coef
        return measure_of_answers(bench, policy, reference, payer, kl_coef=kl_coef)
