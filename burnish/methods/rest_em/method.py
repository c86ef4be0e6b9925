"""ReST-EM: sample, keep what is right, imitate it from the base model, and again.

Singh et al. 2023, Beyond Human Data (arXiv:2312.06585); a baseline of ReST-MCTS*
(arXiv:2406.03816). README.md beside this file has the equations, and what the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.training.kept_samples import Repeats, keep_samples, read_kept, right_samples
from burnish.training.samples import SampleDataConfig, collect_samples, read_samples
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate, imitate_examples
from burnish.training.workbench import Workbench

WARM_UP = "warm_up"


class MaximisationConfig(SupervisedConfig):
    """Supervised fine-tuning on what was kept."""

    epochs: float = Field(default=3, gt=0)
    """Passes over what was kept; the paper does not say how many."""


class RestEmConfig(Config):
    """Rounds of sampling (E-step) and imitation of what is right (M-step)."""

    type: Literal["rest_em"] = "rest_em"
    warm_up: SupervisedConfig | None = None
    """Supervised fine-tuning on the annotated rows, whose model is then the base of every round;
    default: none, the base is the recipe's model."""
    iterations: int = Field(default=2, ge=1)
    """I: rounds; the paper: 2 to 3."""
    sample: SampleDataConfig = SampleDataConfig()
    """The E-step: 32 samples a problem at temperature 0.7 from the 40 likeliest tokens."""
    max_kept_per_problem: int = Field(default=10, ge=1)
    """Right samples of one problem that are imitated, at most; the paper: 10."""
    repeats: Repeats = "kept"
    """kept: a right sample that was drawn twice counts twice, as the objective says; left_out: once
    (the paper does not say)."""
    train: MaximisationConfig = MaximisationConfig()
    """The M-step, from the base model each time."""
    hands_on: Literal["selected", "last"] = "selected"
    """Which model of a round stands for it and is sampled next: that with the best dev accuracy, or
    that of the last update. Results report both."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up where there is one, then sample_1, train_1, sample_2 and so on."""
        stages: list[Stage] = []
        if self.warm_up is not None:
            warm_up = partial(imitate, bench=bench, config=self.warm_up)
            stages.append(Stage(WARM_UP, warm_up, hands_on="last"))
        base = WARM_UP if self.warm_up is not None else None
        sampled = base
        for number in range(1, self.iterations + 1):
            data, name = f"sample_{number}", f"train_{number}"
            stages += [
                Stage(
                    data,
                    partial(expectation, bench=bench, config=self, model=sampled),
                    hands_on=None,
                ),
                Stage(
                    name,
                    partial(maximisation, bench=bench, config=self, data=data, base=base),
                    hands_on=self.hands_on,
                ),
            ]
            sampled = name
        return stages


def expectation(
    run: StageRun, *, bench: Workbench, config: RestEmConfig, model: str | None
) -> Iterator[StepResult]:
    """The E-step, which trains nothing: D_i = samples of the latest model, those that are right.

    Args:
        model: the earlier stage whose model is sampled; None is the recipe's own model.
    """
    policy = bench.load_policy(run.artifacts[model] if model else None)
    yield from collect_samples(run, bench=bench, policy=policy, config=config.sample)
    samples = read_samples(run.folder)
    kept = right_samples(
        samples, max_per_problem=config.max_kept_per_problem, repeats=config.repeats
    )
    num_asked = config.sample.num_problems or len(bench.problems("train"))
    keep_samples(run.folder, samples, kept, num_asked=num_asked)


def maximisation(
    run: StageRun, *, bench: Workbench, config: RestEmConfig, data: str, base: str | None
) -> Iterator[StepResult]:
    """The M-step: from the base model, minimise -E log pi(y | x) over what was kept.

    Args:
        data: the stage before, which has kept the samples.
        base: the earlier stage whose model to start from; None is the recipe's own model.
    """
    policy = bench.load_policy(run.artifacts[base] if base else None)
    yield from imitate_examples(
        run,
        policy,
        [sample.example() for sample in read_kept(run.artifacts[data])],
        config=config.train,
        max_tokens=bench.compute.max_tokens_per_batch,
    )
