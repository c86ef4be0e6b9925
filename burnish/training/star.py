"""STaR in two turns: sample, keep the second attempts that are right, imitate them, and again.

STaR is Zelikman et al. 2022 (arXiv:2203.14465); in two turns, as a baseline of SCoRe
(arXiv:2409.12917, section 3), it keeps chains whose second attempt puts the first one right.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.follow_up import CorrectionConfig
from burnish.training.attempt_data import AttemptDataConfig, collect_chains, read_chains
from burnish.training.attempt_setup import attempt_collector, checked_follow_up
from burnish.training.imitate_revisions import DevMeasure, ImitationConfig, imitate_revisions
from burnish.training.revisions import Kept, keep_revisions, kept_revisions
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.workbench import Workbench


class StarConfig(Config):
    """Rounds of sampling and imitation."""

    iterations: int = Field(default=3, ge=1)
    """Rounds; the paper: 3."""
    keep: Kept = "improved"
    """improved: chains that are wrong, then right (the paper's D); improved_and_right: also those
    that are right twice (D+)."""
    each_from: Literal["start", "previous"] = "start"
    """Where the imitation of each round begins: at the model that the first round sampled, as in
    STaR, or at the model of the round before."""
    sample: AttemptDataConfig = AttemptDataConfig()
    """The data of one round, sampled from the model of the round before."""
    train: ImitationConfig = ImitationConfig()
    """The training of one round."""


def star_stages(
    bench: Workbench,
    config: StarConfig,
    *,
    correction: CorrectionConfig,
    dev: DevMeasure,
    start: str | None = None,
    prefix: str = "",
) -> list[Stage]:
    """sample_1, train_1, sample_2 and so on.

    Args:
        dev: what each round's model is selected by.
        start: the earlier stage whose model to begin with; None is the recipe's own model.
        prefix: of the stages' names.
    """
    stages: list[Stage] = []
    model = start
    for number in range(1, config.iterations + 1):
        data, name = f"{prefix}sample_{number}", f"{prefix}train_{number}"
        sample = partial(
            sample_chains, bench=bench, config=config, correction=correction, model=model
        )
        train = partial(
            imitate_revisions,
            bench=bench,
            config=config.train,
            data=data,
            start=start if config.each_from == "start" else model,
            dev=dev,
        )
        stages += [
            Stage(data, sample, hands_on=None),
            Stage(name, train, hands_on=config.train.hands_on),
        ]
        model = name
    return stages


def sample_chains(
    run: StageRun,
    *,
    bench: Workbench,
    config: StarConfig,
    correction: CorrectionConfig,
    model: str | None,
) -> Iterator[StepResult]:
    """A stage that trains nothing: chains of two attempts, and those among them to imitate.

    Args:
        model: the earlier stage whose model is sampled; None is the recipe's own model.
    """
    folder: Path | None = run.artifacts[model] if model else None
    policy = bench.load_policy(folder)
    collector = attempt_collector(
        bench,
        policy,
        checked_follow_up(bench, policy, correction),
        num_turns=2,
        num_samples=config.sample.samples_per_problem,
        temperature=config.sample.temperature,
    )
    yield from collect_chains(run, collector, bench.problems("train"), config.sample)
    chains = read_chains(run.folder)
    keep_revisions(run.folder, chains, kept_revisions(chains, config.keep))
