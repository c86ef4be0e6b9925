"""The feedback model: which of two answers is better by principles of the constitution.

    label = mean over principles drawn of clamp(P(first) / (P(first) + P(second)), low, high)

Section 4.1 of Bai et al. 2022 (arXiv:2212.08073). A model that has given its reasons is too sure of
itself, so its labels are clamped to 0.4 and 0.6; without reasons they are taken as they are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.methods.constitutional.constitution import Constitution, Principle
from burnish.training.judging.labels import AnswerPair, PairLabel
from burnish.training.judging.local_model import LocalJudgeModelConfig
from burnish.training.judging.pair_judge import (
    AnyJudgeModelConfig,
    ModelPairJudge,
    ModelPairJudgeConfig,
    ReasonsConfig,
)
from burnish.training.judging.prompts import PairPromptConfig
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench

UNCLAMPED, CLAMPED_WITH_REASONS = (0.0, 1.0), (0.4, 0.6)


class FeedbackModelConfig(Config):
    """Who compares answers, and how it is asked."""

    model: AnyJudgeModelConfig = LocalJudgeModelConfig()
    """where it runs: local (in this process; default: the recipe's model) or endpoint"""
    prompt: PairPromptConfig = PairPromptConfig()
    """what it is asked; {principle} is the comparison of a principle"""
    principles_per_pair: int = Field(default=4, ge=1)
    """principles drawn for each pair, whose labels are averaged; all of them where there are fewer.
    The paper draws 1, and averages 16 with chain of thought"""
    reasons: ReasonsConfig | None = None
    """reasons that it writes first (chain of thought); default: none"""
    clamp: tuple[float, float] | None = None
    """lowest and highest label by one principle; default: 0.4 and 0.6 with reasons, as in the
    paper, 0 and 1 without"""
    min_mass: float = Field(default=0.1, ge=0, le=1)
    """probability that the options must have together; below it there is no label"""

    @model_validator(mode="after")
    def _asks_by_principle(self) -> Self:
        if "{principle}" not in self.prompt.preamble:
            raise ValueError(
                "prompt.preamble: has no {principle}, without which nothing of the constitution is"
                " asked"
            )
        self.judge_config()  # a clamp that goes down is an error now
        return self

    def judge_config(self) -> ModelPairJudgeConfig:
        """As judges of pairs are set up."""
        clamp = self.clamp
        if clamp is None:
            clamp = UNCLAMPED if self.reasons is None else CLAMPED_WITH_REASONS
        return ModelPairJudgeConfig(
            model=self.model,
            prompt=self.prompt,
            reasons=self.reasons,
            clamp=clamp,
            min_mass=self.min_mass,
        )

    def build(self, bench: Workbench, constitution: Constitution) -> FeedbackModel:
        """Load or reach the model. Raises ConfigError and ModelError."""
        model = self.model.open(bench)
        judge = ModelPairJudge(self.judge_config(), model)
        return FeedbackModel(model.name, judge, constitution, self.principles_per_pair)


@dataclass(frozen=True, slots=True)
class FeedbackModel:
    """Labels pairs by principles; `name` is who does."""

    name: str
    judge: ModelPairJudge
    constitution: Constitution
    principles_per_pair: int

    def label(self, pairs: Sequence[AnswerPair], *, seed: int) -> list[PairLabel]:
        """One label a pair, by principles drawn for it. Raises GraderError."""
        drawn = [self._drawn(pair, seed) for pair in pairs]
        asked = [[principle.comparison for principle in own] for own in drawn]
        return self.judge.label_by(pairs, asked, seed=seed)

    def label_by(
        self, pairs: Sequence[AnswerPair], principle: Principle, *, seed: int
    ) -> list[PairLabel]:
        """One label a pair, by one principle. Raises GraderError."""
        return self.judge.label_by(pairs, [[principle.comparison]] * len(pairs), seed=seed)

    def _drawn(self, pair: AnswerPair, seed: int) -> list[Principle]:
        """In an order that is the constitution's."""
        principles = self.constitution.principles
        place = derived_seed(seed, "principles", pair.problem.id, pair.first, pair.second)
        num = min(self.principles_per_pair, len(principles))
        chosen = random.Random(place).sample(range(len(principles)), num)
        return [principles[number] for number in sorted(chosen)]
