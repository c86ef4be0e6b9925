"""A language model scores single answers: direct RLAIF (d-RLAIF).

    s = sum_i i P(i) / sum_i P(i),  i = 1 ... H;    reward = 2 (s - 1) / (H - 1) - 1, in [-1, 1]

Lee et al. 2023 (arXiv:2309.00267), section 3.2.2, with H = 10: the score is expected over the
likelihoods of the numbers, not the number that the judge would write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.training.judging.labels import AnswerJudge, AnswerScore
from burnish.training.judging.local_model import LocalJudgeModelConfig
from burnish.training.judging.options import Choice, OptionModel, no_option
from burnish.training.judging.pair_judge import AnyJudgeModelConfig
from burnish.training.judging.prompts import ScorePromptConfig
from burnish.training.workbench import Workbench
from burnish.types import GraderFailure, Problem


class ModelAnswerJudgeConfig(Config):
    """A language model gives an answer a number of points."""

    type: Literal["model"] = "model"
    """who judges: a language model"""
    model: AnyJudgeModelConfig = LocalJudgeModelConfig()
    """where it runs: local (in this process) or endpoint (an OpenAI-compatible server)"""
    prompt: ScorePromptConfig = ScorePromptConfig()
    """what it is asked"""
    min_mass: float = Field(default=0.1, ge=0, le=1)
    """probability that the numbers must have together; below it the answer has no score"""

    def build(self, bench: Workbench) -> AnswerJudge:
        """Load or reach the model. Raises ConfigError and ModelError."""
        return ModelAnswerJudge(self, self.model.open(bench))


class ModelAnswerJudge:
    """Asks about every answer once."""

    def __init__(self, config: ModelAnswerJudgeConfig, model: OptionModel) -> None:
        """`model`: what answers."""
        self._config = config
        self._model = model

    def score(self, answers: Sequence[tuple[Problem, str]], *, seed: int) -> list[AnswerScore]:
        """One score an answer. Raises GraderError where the model cannot be asked."""
        prompt = self._config.prompt
        texts = [
            prompt.text(problem.question, answer) + prompt.ending for problem, answer in answers
        ]
        return [self._score(said) for said in self._model.choose(texts, prompt.options)]

    def _score(self, said: Choice | GraderFailure) -> AnswerScore:
        if isinstance(said, GraderFailure):
            return AnswerScore(None, failure=said.kind)
        neither = no_option(said, min_mass=self._config.min_mass)
        if neither is not None:
            return AnswerScore(None, said.tokens, neither.kind)
        return AnswerScore(rescaled(expected_score(said.shares), len(said.shares)), said.tokens)


def expected_score(shares: Sequence[float]) -> float:
    """sum_i i p_i with i = 1 for the first of them; the shares add up to 1."""
    return sum(score * share for score, share in enumerate(shares, start=1))


def rescaled(score: float, highest: int) -> float:
    """From 1 ... highest to -1 ... 1."""
    return 2.0 * (score - 1.0) / (highest - 1.0) - 1.0
