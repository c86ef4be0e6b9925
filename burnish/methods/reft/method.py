"""ReFT (arXiv:2401.08967): supervised warm-up, then PPO on answers that can be checked.

Algorithm 1 of the paper, in its order. Where paper and released code disagree we follow the code
(lqtrung1998/mwp_ReFT@train_rl_reft.py); README.md beside this file lists the differences.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from burnish.config import Config
from burnish.methods.reft.reinforce import ReinforceConfig, reinforce
from burnish.training.stage import Stage
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.workbench import Workbench


class ReftConfig(Config):
    """ReFT: reasoning with reinforced fine-tuning (arXiv:2401.08967)."""

    type: Literal["reft"] = "reft"
    warm_up: SupervisedConfig = SupervisedConfig(epochs=2)
    """W: supervised warm-up; the RL stage starts from its last checkpoint and stays close to it."""
    sft: SupervisedConfig | None = None
    """The baseline: supervised training continued from the warm-up on the same rows; none: off."""
    reinforce: ReinforceConfig = ReinforceConfig()
    """Algorithm 1's RL steps."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up, the sft baseline where asked for, reft; the latter two start from the first."""
        warm_up = Stage(
            "warm_up", partial(imitate, bench=bench, config=self.warm_up), hands_on="last"
        )
        reft = Stage("reft", partial(reinforce, bench=bench, config=self.reinforce))
        if self.sft is None:
            return [warm_up, reft]
        sft = Stage("sft", partial(imitate, bench=bench, config=self.sft, start="warm_up"))
        return [warm_up, sft, reft]
