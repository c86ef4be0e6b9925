"""All graders a recipe can name, and the one that fits each kind of answer."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from burnish.data.tasks.task import AnswerKind
from burnish.graders.calibrated import CalibratedConfig
from burnish.graders.code_tests import CodeTestsConfig
from burnish.graders.function import FunctionConfig
from burnish.graders.gold_reply import GoldReplyConfig
from burnish.graders.math_grader import MathConfig
from burnish.graders.multiple_choice import MultipleChoiceConfig
from burnish.graders.numeric import NumericConfig
from burnish.graders.openai.endpoint import EndpointConfig
from burnish.graders.openai.label_model import LabelModelConfig
from burnish.graders.openai.multi import MultiConfig
from burnish.graders.openai.python import PythonConfig
from burnish.graders.openai.score_model import ScoreModelConfig
from burnish.graders.openai.string_check import StringCheckConfig
from burnish.graders.openai.text_similarity import TextSimilarityConfig
from burnish.graders.program import ProgramChoiceConfig, ProgramConfig
from burnish.graders.quantity import QuantityConfig
from burnish.graders.rank import RankConfig
from burnish.graders.reward_model import RewardModelGraderConfig

AloneConfig: TypeAlias = (
    NumericConfig
    | MultipleChoiceConfig
    | ProgramConfig
    | ProgramChoiceConfig
    | CodeTestsConfig
    | MathConfig
    | QuantityConfig
    | GoldReplyConfig
    | RankConfig
    | RewardModelGraderConfig
    | FunctionConfig
    | StringCheckConfig
    | TextSimilarityConfig
    | PythonConfig
    | ScoreModelConfig
    | LabelModelConfig
    | EndpointConfig
)
"""All graders but those that combine or wrap others; new ones are added here."""
JudgeConfig: TypeAlias = (
    AloneConfig | MultiConfig[Annotated[AloneConfig, Field(discriminator="type")]]
)
"""All graders but the one that wraps another."""

AnyGraderConfig: TypeAlias = (
    JudgeConfig | CalibratedConfig[Annotated[JudgeConfig, Field(discriminator="type")]]
)
GraderConfig: TypeAlias = Annotated[AnyGraderConfig, Field(discriminator="type")]

_DEFAULTS: dict[AnswerKind, AnyGraderConfig] = {
    "numeric": NumericConfig(),
    "multiple_choice": MultipleChoiceConfig(),
    "program": ProgramConfig(),
    "program_choice": ProgramChoiceConfig(),
    "code_tests": CodeTestsConfig(),
    "math": MathConfig(),
    "quantity": QuantityConfig(),
    "open": GoldReplyConfig(),
}


def default_grader_config(kind: AnswerKind) -> AnyGraderConfig:
    """The grader for a task's kind of answer, with the paper's settings."""
    return _DEFAULTS[kind]
