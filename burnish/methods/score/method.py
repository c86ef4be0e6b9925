"""SCoRe (arXiv:2409.12917): two stages of reinforcement that teach a model to correct itself.

There is no code by the authors. README.md beside this file says what the paper leaves open and what
was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Tag

from burnish.config import Config
from burnish.data.follow_up import CorrectionConfig
from burnish.evaluation.dev_attempts import measure_of_attempts
from burnish.methods.score.reinforce import (
    StageOneConfig,
    StageTwoConfig,
    stage_one,
    stage_two,
)
from burnish.training.stage import Stage
from burnish.training.star import StarConfig, star_stages
from burnish.training.workbench import Workbench


class StarStageTwoConfig(StarConfig):
    """STaR in place of REINFORCE, the paper's ablation: only second attempts learn."""

    type: Literal["star"] = "star"


def _kind_of_stage_two(stage: object) -> str:
    """The tag of the union below; a section without a type is the paper's own Stage II."""
    if isinstance(stage, Mapping):
        return str(stage.get("type", "reinforce"))
    return "star" if isinstance(stage, StarStageTwoConfig) else "reinforce"


StageTwo: TypeAlias = Annotated[
    Annotated[StageTwoConfig, Tag("reinforce")] | Annotated[StarStageTwoConfig, Tag("star")],
    Discriminator(
        _kind_of_stage_two,
        custom_error_type="stage_two_type",
        custom_error_message="type is reinforce, which is the default, or star",
    ),
]


class ScoreConfig(Config):
    """SCoRe: self-correction via reinforcement learning (arXiv:2409.12917)."""

    type: Literal["score"] = "score"
    correction: CorrectionConfig = CorrectionConfig()
    """How a problem is asked again."""
    stage_one: StageOneConfig | None = StageOneConfig()
    """Stage I; none: the paper's ablation without it."""
    stage_two: StageTwo = StageTwoConfig()
    """Stage II; type star: the paper's ablation with STaR in place of REINFORCE."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """stage_one, where it is wanted, and stage_two, which starts from its model.

        With STaR, Stage II is stage_two_sample_1, stage_two_train_1 and so on.
        """
        if self.stage_one is None:
            return self._second_stages(bench, start=None)
        first = Stage(
            "stage_one",
            partial(stage_one, bench=bench, config=self.stage_one, correction=self.correction),
            hands_on=self.stage_one.hands_on,
        )
        return [first, *self._second_stages(bench, start="stage_one")]

    def _second_stages(self, bench: Workbench, *, start: str | None) -> list[Stage]:
        config = self.stage_two
        if isinstance(config, StarStageTwoConfig):
            return star_stages(
                bench,
                config,
                correction=self.correction,
                dev=partial(measure_of_attempts, bench, self.correction),
                start=start,
                prefix="stage_two_",
            )
        run = partial(
            stage_two, bench=bench, config=config, correction=self.correction, start=start
        )
        return [Stage("stage_two", run, hands_on=config.hands_on)]
