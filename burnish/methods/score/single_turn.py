"""Single-turn RL, then prompted correction: the paper's ablation "w/o multi-turn training".

The same REINFORCE with the same KL and baseline as in SCoRe (arXiv:2409.12917), on first attempts
alone. Second attempts are only made when the model is measured, where its answers stand beside
those of models that were trained to correct themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.follow_up import CorrectionConfig
from burnish.methods.score.adaptive import Constant
from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.credit import single_turn_objective
from burnish.methods.score.improve import improve
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.workbench import Workbench


class SingleTurnConfig(AttemptsConfig):
    """First attempts learn; nothing else is sampled."""

    num_steps: int = Field(default=3000, ge=1)
    """Updates: as many as both stages of SCoRe have together."""
    selected_by: Literal["first_attempt", "last_attempt"] = "first_attempt"
    """Whose dev accuracy the selected model has the highest of: the attempt that is trained, or, as
    in SCoRe, the last one. Both are measured at every evaluation."""


class SingleTurnRlConfig(Config):
    """Single-turn RL, then prompted correction: a baseline of SCoRe (arXiv:2409.12917)."""

    type: Literal["single_turn_rl"] = "single_turn_rl"
    correction: CorrectionConfig = CorrectionConfig()
    """How a problem is asked again when the model is measured."""
    single_turn: SingleTurnConfig = SingleTurnConfig()
    """The only stage."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """single_turn, from the recipe's model."""
        run = partial(single_turn, bench=bench, config=self.single_turn, correction=self.correction)
        return [Stage("single_turn", run, hands_on=self.single_turn.hands_on)]


def single_turn(
    run: StageRun, *, bench: Workbench, config: SingleTurnConfig, correction: CorrectionConfig
) -> Iterator[StepResult]:
    """A stage: max E[r(y1) - beta1 KL(pi(.|x1), pi_ref(.|x1))], equation 2 of the paper."""
    policy = bench.load_policy()
    return improve(
        run,
        bench=bench,
        config=config,
        correction=correction,
        objectives=Constant(single_turn_objective(kl_coef=config.kl_coef)),
        policy=policy,
        base=bench.frozen_twin(policy),
        selected_turn=1 if config.selected_by == "first_attempt" else correction.turns,
    )
