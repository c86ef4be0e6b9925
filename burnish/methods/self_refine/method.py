"""Self-Refine, a baseline of SCoRe (arXiv:2409.12917, section 3): prompting, and no training.

After Madaan et al. 2023 (arXiv:2303.17651), with one instruction in place of feedback in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from burnish.config import Config
from burnish.data.follow_up import CorrectionConfig
from burnish.evaluation.dev_attempts import DevAttempts
from burnish.training.attempt_setup import checked_follow_up
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.workbench import Workbench


class SelfRefineConfig(Config):
    """Ask the recipe's model to correct itself."""

    type: Literal["self_refine"] = "self_refine"
    correction: CorrectionConfig = CorrectionConfig()
    """How a problem is asked again: all that this method has."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """prompting, which trains nothing."""
        run = partial(prompting, bench=bench, correction=self.correction)
        return [Stage("prompting", run, hands_on=None)]


def prompting(
    run: StageRun, *, bench: Workbench, correction: CorrectionConfig
) -> Iterator[StepResult]:
    """A stage of one step: attempts at the dev problems, to choose between instructions by."""
    policy = bench.load_policy()
    checked_follow_up(bench, policy, correction)
    dev = DevAttempts(
        bench, bench.engine(policy), policy=policy, base=policy, correction=correction
    )
    for _ in run.steps(1, model=None, state={}, eval_every=1):
        yield StepResult(dev.of_base())
