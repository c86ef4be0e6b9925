"""Direct RLAIF (d-RLAIF): the judge itself pays, with an expected score from 1 to 10.

    R(x, y) = 2 (sum_i i P(i | x, y) - 1) / 9 - 1,  in [-1, 1]

No reward model stands between judge and policy, so none goes stale as the policy moves; the price
is a question to the judge for every answer of every step (Lee et al. 2023, section 3.2.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from burnish.config import Config
from burnish.methods.rlaif.method import SFT, ReinforceConfig, measure_less_kl, sft_stages
from burnish.training.answer_rewards import RewardScaleConfig, RewardSource
from burnish.training.answer_rl import reinforce_answers
from burnish.training.judging.judge_grader import JudgeGrader
from burnish.training.judging.judges import AnyAnswerJudgeConfig
from burnish.training.judging.score_judge import ModelAnswerJudgeConfig
from burnish.training.seeds import derived_seed
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig
from burnish.training.workbench import Workbench

DIRECT, JUDGE = "direct_rlaif", "judge"
TOKENS_METRIC = "judge/tokens"


class DirectRlaifConfig(Config):
    """RLAIF without a reward model."""

    type: Literal["direct_rlaif"] = "direct_rlaif"
    """the method"""
    sft: SupervisedConfig | None = None
    """As for rlaif."""
    judge: AnyAnswerJudgeConfig = ModelAnswerJudgeConfig()
    """Who pays: model (here or behind a server), or simulated."""
    scale: RewardScaleConfig = RewardScaleConfig(units="raw")
    """What its score counts; raw: from -1 to 1, as in the paper."""
    reinforce: ReinforceConfig = ReinforceConfig()
    """RL."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sft where there is one, and direct_rlaif."""
        learn = partial(self._reinforce, bench=bench)
        hands_on = self.reinforce.hands_on
        return [*sft_stages(bench, self.sft), Stage(DIRECT, learn, hands_on=hands_on)]

    @property
    def start(self) -> str | None:
        """The stage whose model RL starts from; None is the recipe's."""
        return None if self.sft is None else SFT

    def payer(self, run: StageRun, *, bench: Workbench) -> JudgeGrader:
        """The judge as who pays in RL."""
        return JudgeGrader(self.judge.build(bench), seed=derived_seed(run.seed, "judge"))

    def source(self, payer: JudgeGrader) -> RewardSource:
        """The only one."""
        return RewardSource(JUDGE, (payer,), self.scale)

    def _reinforce(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage: RL on the judge's scores."""
        payer = self.payer(run, bench=bench)
        steps = reinforce_answers(
            run,
            bench=bench,
            config=self.reinforce,
            start=self.start,
            sources=lambda _run: [self.source(payer)],
            measure_of=partial(measure_less_kl, bench, self.reinforce),
        )
        yield from charged(steps, payer)


def charged(steps: Iterator[StepResult], payer: JudgeGrader) -> Iterator[StepResult]:
    """The steps with what the judge has read and written for each: `judge/tokens`.

    Evaluations between two steps are not charged; what was measured before the first one is.
    """
    before = payer.spent.total
    for result in steps:
        tokens = float(payer.spent.total - before)
        yield replace(result, metrics={**result.metrics, TOKENS_METRIC: tokens})
        before = payer.spent.total
