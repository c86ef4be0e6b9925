"""Iterative (online) DPO: sample, have the answers judged, DPO, and again with the new model.

Xu et al. 2023, Some things are more cringe than others (arXiv:2312.16682), and Guo et al. 2024,
Direct language model alignment from online AI feedback (arXiv:2402.04792): pairs are made of the
model's own latest answers, labelled by whoever can judge. README.md has the equations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.evaluation.judged_duels import measure_of_duels
from burnish.training.candidate_judging import (
    CandidatesConfig,
    judge_candidates,
    judged_candidates,
)
from burnish.training.candidate_pairs import pair_up
from burnish.training.judging.candidate_judges import (
    AnyCandidateJudgeConfig,
    GraderJudgeConfig,
    PairsJudgeConfig,
)
from burnish.training.judging.judge_grader import TrueRewardGrader
from burnish.training.learner import OptimizerConfig
from burnish.training.preference import PreferenceConfig, prefer
from burnish.training.preference_pairs import read_pairs
from burnish.training.samples import collect_samples, read_samples
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.start_measure import measured_start
from burnish.training.supervised import SupervisedConfig, imitate_written
from burnish.training.workbench import Workbench

SFT = "sft"


class OnlineCandidatesConfig(CandidatesConfig):
    """The answers of one round."""

    temperature: float = Field(default=1.0, gt=0)
    """Of the answers."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Drawn from are the likeliest tokens that together have this probability; 1: all."""


class RoundTrainingConfig(PreferenceConfig):
    """The training of one round."""

    epochs: float = Field(default=1, gt=0)
    """Passes over the round's pairs."""
    batch_size: int = Field(default=32, ge=1)
    """Pairs of one update; all of them where there are fewer."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=1e-6, warmup_ratio=0.0)
    """AdamW."""


class IterativeDpoConfig(Config):
    """Rounds of sampling, judging and preferring."""

    type: Literal["iterative_dpo"] = "iterative_dpo"
    """the method"""
    sft: SupervisedConfig | None = None
    """Supervised fine-tuning on the task's written answers, with whose model the first round
    begins; default: it begins with the recipe's model."""
    rounds: int = Field(default=3, ge=1)
    """Rounds."""
    sample: OnlineCandidatesConfig = OnlineCandidatesConfig()
    """The answers of one round, sampled from the model of the round before."""
    judge: AnyCandidateJudgeConfig = PairsJudgeConfig()
    """Who says which is better: pairs (a judge that compares), scores (one that scores), or grader
    (any grader, such as a trained reward model)."""
    judge_batch_size: int = Field(default=32, ge=1)
    """Problems whose answers are judged in one step."""
    train: RoundTrainingConfig = RoundTrainingConfig()
    """The training of one round, from the round's model and with it as the reference. Its model is
    selected by the share of duels that it wins against the reference on held-out prompts, by the
    same judge."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sft where there is one, then sample_1, judge_1, train_1, sample_2 and so on."""
        stages: list[Stage] = []
        model: str | None = None
        if self.sft is not None:
            learn = partial(imitate_written, bench=bench, config=self.sft)
            stages.append(Stage(SFT, learn, hands_on="last"))
            model = SFT
        for number in range(1, self.rounds + 1):
            data, judged, name = f"sample_{number}", f"judge_{number}", f"train_{number}"
            sample = partial(self._sample, bench=bench, model=model)
            judge = partial(self._judge, bench=bench, data=data)
            train = partial(self._train, bench=bench, data=judged, model=model)
            stages += [
                Stage(data, sample, hands_on=None),
                Stage(judged, judge, hands_on=None),
                Stage(name, train, hands_on=self.train.hands_on),
            ]
            model = name
        return stages

    @property
    def start(self) -> str | None:
        """The stage whose model the first round begins with; None is the recipe's."""
        return None if self.sft is None else SFT

    def _sample(
        self, run: StageRun, *, bench: Workbench, model: str | None
    ) -> Iterator[StepResult]:
        """A stage that trains nothing: answers of the round's model.

        They are graded only where a grader is the judge.
        """
        policy = bench.load_policy(run.artifacts[model] if model else None)
        if not isinstance(self.judge, GraderJudgeConfig):
            bench = replace(bench, grader=TrueRewardGrader(bench.task))
        yield from collect_samples(run, bench=bench, policy=policy, config=self.sample)

    def _judge(self, run: StageRun, *, bench: Workbench, data: str) -> Iterator[StepResult]:
        """A stage that trains nothing: scores of the answers, and the best against the worst."""
        problems = {problem.id: problem for problem in bench.problems("train")}
        samples = read_samples(run.artifacts[data])
        yield from judge_candidates(
            run,
            samples,
            problems=problems,
            judge=self.judge.build(bench),
            batch_size=self.judge_batch_size,
        )
        num_asked = self.sample.num_problems or len(problems)
        pair_up(run.folder, judged_candidates(run.folder, samples), num_asked=num_asked)

    def _train(
        self, run: StageRun, *, bench: Workbench, data: str, model: str | None
    ) -> Iterator[StepResult]:
        """A stage: DPO on the round's pairs."""
        policy = bench.load_policy(run.artifacts[model] if model else None)
        measure = measure_of_duels(
            run.folder,
            bench,
            policy,
            self.judge.build(bench),
            params=self.sample.params(bench),
            origin=run.artifacts[SFT] if self.sft is not None else None,
        )
        measured_start(run, measure)
        yield from prefer(
            run,
            policy,
            read_pairs(run.artifacts[data] / "pairs.jsonl"),
            config=self.train,
            max_tokens=bench.compute.max_tokens_per_batch,
            measure=measure,
        )
