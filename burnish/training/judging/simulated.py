"""A simulated judge of a task that knows what answers are worth: what a label's mistakes do.

It prefers the better answer, and errs with a chance of its own and is sure all the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.feedback.kinds import FeedbackTask
from burnish.data.feedback.reply_value import num_words
from burnish.errors import ConfigError
from burnish.training.judging.labels import (
    EVEN,
    AnswerPair,
    AnswerScore,
    PairLabel,
    Reading,
)
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench
from burnish.types import Problem

_NAME = "simulated"


class SimulatedJudgeConfig(Config):
    """Somebody who sees what an answer is worth, and errs."""

    type: Literal["simulated"] = "simulated"
    """who judges: nobody; the task knows what answers are worth"""
    noise: float = Field(default=0.0, ge=0, le=0.5)
    """share of pairs that are labelled the wrong way round"""
    score_noise: float = Field(default=0.0, ge=0)
    """standard deviation of a score between -1 and 1"""
    length_bias: float = 0.0
    """worth, from 0 to 1, that ten more words add in its eyes"""

    def build(self, bench: Workbench) -> SimulatedJudge:
        """Raises ConfigError for a task that does not know what answers are worth."""
        task = bench.task
        problem = bench.problems("train")[0]
        if not isinstance(task, FeedbackTask) or task.gold(problem, "") is None:
            raise ConfigError(
                "judge.type: simulated needs a task that knows what an answer is worth "
                "(task.type: replies). For others name a model: judge.type: model."
            )
        return SimulatedJudge(self, task)


class SimulatedJudge:
    """Compares and scores."""

    def __init__(self, config: SimulatedJudgeConfig, task: FeedbackTask) -> None:
        """`task`: knows what answers are worth."""
        self._config = config
        self._task = task

    def label(self, pairs: Sequence[AnswerPair], *, seed: int) -> list[PairLabel]:
        """Hard labels; a pair of equal worth is a tie."""
        return [self._labelled(pair, seed) for pair in pairs]

    def score(self, answers: Sequence[tuple[Problem, str]], *, seed: int) -> list[AnswerScore]:
        """What the answer is worth, and noise."""
        return [self._scored(problem, text, seed) for problem, text in answers]

    def _labelled(self, pair: AnswerPair, seed: int) -> PairLabel:
        first, second = (self._worth(pair.problem, text) for text in (pair.first, pair.second))
        probability = EVEN if first == second else float(first > second)
        source = _chance(seed, pair.problem.id, pair.first, pair.second)
        if source.random() < self._config.noise:
            probability = 1.0 - probability
        readings = tuple(Reading("worth", is_swapped, probability) for is_swapped in (False, True))
        return PairLabel(_NAME, probability, readings)

    def _scored(self, problem: Problem, text: str, seed: int) -> AnswerScore:
        source = _chance(seed, problem.id, text)
        said = 2.0 * self._worth(problem, text) - 1.0 + source.gauss(0.0, self._config.score_noise)
        return AnswerScore(min(1.0, max(-1.0, said)))

    def _worth(self, problem: Problem, text: str) -> float:
        gold = self._task.gold(problem, text)
        assert gold is not None
        return gold["reward"] + self._config.length_bias * num_words(text) / 10.0


def _chance(seed: int, *place: str) -> random.Random:
    return random.Random(derived_seed(seed, *place))
