"""Who may judge answers, as settings: a language model, or a simulation of a task that knows."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from burnish.training.judging.pair_judge import ModelPairJudgeConfig
from burnish.training.judging.score_judge import ModelAnswerJudgeConfig
from burnish.training.judging.simulated import SimulatedJudgeConfig

AnyPairJudgeConfig: TypeAlias = Annotated[
    ModelPairJudgeConfig | SimulatedJudgeConfig, Field(discriminator="type")
]
"""Who compares two answers."""
AnyAnswerJudgeConfig: TypeAlias = Annotated[
    ModelAnswerJudgeConfig | SimulatedJudgeConfig, Field(discriminator="type")
]
"""Who scores one answer."""
