"""The two stages of SCoRe, by what each of them maximises."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.data.follow_up import CorrectionConfig
from burnish.methods.score.adaptive import AdaptiveFirstKl, Constant, Objectives
from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.credit import Settled, stage_one_objective, stage_two_objective
from burnish.methods.score.improve import improve
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench


class StageOneConfig(AttemptsConfig):
    """Stage I: second attempts learn, first attempts stay where they are."""

    first_kl_coef: float = Field(default=0.1, ge=0)
    """beta2: weight of the first attempt's KL to the base model, besides beta1; the paper: 0.1
    for MATH, 0.25 for code."""
    first_kl_target: float | None = Field(default=None, gt=0)
    """Nats of an attempt at which the first attempt's KL is kept by adapting beta2, which then only
    starts at first_kl_coef; none: beta2 stays."""
    first_kl_gain: float = Field(default=0.1, gt=0, le=1)
    """first_kl_target only: how fast beta2 adapts; a step changes it by a fifth of this at most."""

    @model_validator(mode="after")
    def _beta2_can_adapt(self) -> Self:
        if self.first_kl_target is not None and self.first_kl_coef == 0:
            raise ValueError(
                "first_kl_coef: 0 stays 0 however it is adapted; start from a small weight, such "
                "as 0.1, or leave out first_kl_target"
            )
        return self


class StageTwoConfig(AttemptsConfig):
    """Stage II: all attempts learn, with a bonus for progress between them."""

    type: Literal["reinforce"] = "reinforce"
    """The paper's own."""
    bonus_coef: float = Field(default=10.0, ge=0)
    """alpha: weight of r_k - r_{k-1} in the reward of attempt k; 0 is no shaping."""
    settled: Settled = "counted"
    """-alpha r_{k-1} in an attempt's reward is settled before the attempt begins: it changes no
    expected gradient, but every single one. counted: the baseline sees it, as one would read the
    paper; left_out: it is taken out before an attempt is compared with the baseline."""
    base_first_share: float = Field(default=0.0, ge=0, le=1)
    """Share of each problem's samples whose first attempt the base model makes: it is context for
    the second one, and not trained on. Rounded to whole samples. The paper mixes such attempts in
    without saying how many."""

    @property
    def num_base_first(self) -> int:
        """The same in samples of each problem."""
        return round(self.base_first_share * self.samples_per_problem)

    @model_validator(mode="after")
    def _both_kinds_have_others(self) -> Self:
        num, num_own = self.num_base_first, self.samples_per_problem - self.num_base_first
        if self.base_first_share and not num:
            raise ValueError(
                f"base_first_share: {self.base_first_share} of {self.samples_per_problem} samples "
                "is less than half a sample; raise it, or samples_per_problem, or leave it out"
            )
        if self.baseline == "leave_one_out" and 1 in (num, num_own):
            raise ValueError(
                f"base_first_share: {self.base_first_share} of {self.samples_per_problem} samples "
                f"leaves {num} with the base model's first attempt and {num_own} with the policy's "
                "own; each kind is compared with its others, so it needs 0, or 2 and more. Change "
                "it or samples_per_problem, or use baseline: batch_mean"
            )
        return self


def stage_one(
    run: StageRun, *, bench: Workbench, config: StageOneConfig, correction: CorrectionConfig
) -> Iterator[StepResult]:
    """A stage: equation 3, from the recipe's model, which is the base model of both stages."""
    policy = bench.load_policy()
    base = bench.frozen_twin(policy)
    return improve(
        run,
        bench=bench,
        config=config,
        correction=correction,
        objectives=_stage_one_objectives(config, correction.turns),
        policy=policy,
        base=base,
        selected_turn=correction.turns,
    )


def _stage_one_objectives(config: StageOneConfig, num_turns: int) -> Objectives:
    """Equation 3 with the weights of a recipe."""
    objective_at = partial(stage_one_objective, num_turns, kl_coef=config.kl_coef)
    if config.first_kl_target is None:
        return Constant(objective_at(first_kl_coef=config.first_kl_coef))
    return AdaptiveFirstKl(
        lambda first_kl_coef: objective_at(first_kl_coef=first_kl_coef),
        start=config.first_kl_coef,
        target=config.first_kl_target,
        gain=config.first_kl_gain,
    )


def stage_two(
    run: StageRun,
    *,
    bench: Workbench,
    config: StageTwoConfig,
    correction: CorrectionConfig,
    start: str | None,
) -> Iterator[StepResult]:
    """A stage: equation 4 with the shaped reward, from the model of the stage named `start`.

    Without one, from the recipe's model; that is the paper's ablation "w/o Stage I".
    """
    objective = stage_two_objective(
        correction.turns,
        kl_coef=config.kl_coef,
        bonus_coef=config.bonus_coef,
        settled=config.settled,
    )
    folder: Path | None = run.artifacts[start] if start else None
    policy, base = bench.load_policy(folder), bench.load_policy()
    return improve(
        run,
        bench=bench,
        config=config,
        correction=correction,
        objectives=Constant(objective),
        policy=policy,
        base=base,
        selected_turn=correction.turns,
        num_base_first=config.num_base_first,
    )
