"""Pair-SFT, a baseline of SCoRe (arXiv:2409.12917, section 3), after Welleck et al. 2023.

README.md beside this file says what the paper leaves open and what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Literal

from burnish.config import Config
from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.evaluation.dev_attempts import measure_of_attempts
from burnish.methods.pair_sft.pairing import Between, paired_revisions
from burnish.training.attempt_data import (
    AttemptDataConfig,
    SampledChain,
    collect_chains,
    read_chains,
)
from burnish.training.attempt_setup import attempt_collector, checked_follow_up
from burnish.training.imitate_revisions import ImitationConfig, imitate_revisions
from burnish.training.revisions import Kept, keep_revisions
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Problem


class PairSftConfig(Config):
    """Imitate repairs put together from a wrong and a right sample."""

    type: Literal["pair_sft"] = "pair_sft"
    correction: CorrectionConfig = CorrectionConfig()
    """How a problem is asked again. What is trained are second attempts, however many turns the
    model is measured in."""
    keep: Kept = "improved"
    """improved: a right sample after a wrong one (the paper's D); improved_and_right: also a right
    one after another right one (D+)."""
    sample: AttemptDataConfig = AttemptDataConfig()
    """The first attempts of the recipe's model that are paired."""
    train: ImitationConfig = ImitationConfig()
    """The training."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sample, which trains nothing, and train."""
        sample = partial(sample_pairs, bench=bench, config=self)
        train = partial(
            imitate_revisions,
            bench=bench,
            config=self.train,
            data="sample",
            start=None,
            dev=partial(measure_of_attempts, bench, self.correction),
        )
        return [
            Stage("sample", sample, hands_on=None),
            Stage("train", train, hands_on=self.train.hands_on),
        ]


def sample_pairs(run: StageRun, *, bench: Workbench, config: PairSftConfig) -> Iterator[StepResult]:
    """A stage that trains nothing: first attempts of the recipe's model, and pairs of them."""
    policy = bench.load_policy()
    follow_up = checked_follow_up(bench, policy, config.correction)
    problems = bench.problems("train")
    collector = attempt_collector(
        bench,
        policy,
        follow_up,
        num_turns=1,
        num_samples=config.sample.samples_per_problem,
        temperature=config.sample.temperature,
    )
    yield from collect_chains(run, collector, problems, config.sample)
    samples = read_chains(run.folder)
    revisions = paired_revisions(
        samples, config.keep, between=_between(follow_up, problems), seed=run.seed
    )
    keep_revisions(run.folder, samples, revisions)


def _between(follow_up: FollowUp, problems: Iterable[Problem]) -> Between:
    by_id = {problem.id: problem for problem in problems}

    def between(first: SampledChain) -> tuple[int, ...]:
        turn = first.turns[0]
        own = first.token_ids[turn.start : turn.stop]
        return follow_up.after_tokens(by_id[first.problem_id], own, turn.stop_reason)

    return between
