"""Self-training, the baselines that ReFT is measured against (arXiv:2401.08967, section 4.2).

Both learn from right answers of their own and from annotated ones: no wrong answers, no advantage,
no KL. Offline the warm-up's model is sampled once, online the policy in training at each step.
README.md beside this file says where paper and code stand.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.methods.self_training.offline import OfflineConfig
from burnish.methods.self_training.online import OnlineConfig
from burnish.training.stage import Stage
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.workbench import Workbench

WARM_UP = "warm_up"


class SelfTrainingConfig(Config):
    """Imitation of the model's own right answers (arXiv:2401.08967)."""

    type: Literal["self_training"] = "self_training"
    warm_up: SupervisedConfig | None = SupervisedConfig(epochs=2)
    """W: supervised warm-up, as ReFT's; its last model is sampled. null: the recipe's model is."""
    sampled: OfflineConfig | OnlineConfig = Field(default=OfflineConfig(), discriminator="type")
    """offline: once, before training; online: at each step."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up where there is one, what is sampled before training, self_training."""
        warm_up = [
            Stage(WARM_UP, partial(imitate, bench=bench, config=config), hands_on="last")
            for config in [self.warm_up]
            if config is not None
        ]
        return [*warm_up, *self.sampled.stages(bench, start=WARM_UP if warm_up else None)]
