"""ReFT (arXiv:2401.08967): supervised warm-up, then PPO on answers that can be checked.

Algorithm 1 of the paper, in its order. Where paper and released code disagree we follow the code
(lqtrung1998/mwp_ReFT@train_rl_reft.py); README.md beside this file lists the differences.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, Self

from pydantic import model_validator

from burnish.config import Config
from burnish.errors import ConfigError
from burnish.methods.reft.reinforce import ReinforceConfig, reinforce
from burnish.methods.reft.value_model import ValueModelConfig
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
    value_model: ValueModelConfig | None = None
    """The value model that pays for steps, trained between warm-up and RL; none: another run's, or
    no process reward."""
    reinforce: ReinforceConfig = ReinforceConfig()
    """Algorithm 1's RL steps."""

    @model_validator(mode="after")
    def _one_value_model(self) -> Self:
        reward = self.reinforce.process_reward
        if self.value_model is not None and (reward is None or reward.model is not None):
            raise ValueError(
                "value_model trains a value model that nothing asks: set reinforce.process_reward "
                "without a model of its own, or leave value_model out"
            )
        if self.value_model is None and reward is not None and reward.model is None:
            raise ValueError(
                "reinforce.process_reward has no value model: set its model to a trained one, or "
                "value_model: {} to train one in this run"
            )
        return self

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up, the sft baseline and the value model where asked for, reft.

        All start from the first. Raises ConfigError for a trimmed vocabulary with a value model.
        """
        warm_up = Stage(
            "warm_up", partial(imitate, bench=bench, config=self.warm_up), hands_on="last"
        )
        sft = [
            Stage("sft", partial(imitate, bench=bench, config=config, start="warm_up"))
            for config in [self.sft]
            if config is not None
        ]
        reft = Stage("reft", partial(reinforce, bench=bench, config=self.reinforce))
        return [warm_up, *sft, *self._value_stages(bench), reft]

    def _value_stages(self, bench: Workbench) -> list[Stage]:
        if self.reinforce.process_reward is not None and bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: a value model reads the tokens of a policy with the full "
                "vocabulary. Set it to false, or leave reinforce.process_reward out."
            )
        if self.value_model is None:
            return []
        assert self.reinforce.process_reward is not None
        return self.value_model.stages(bench, steps=self.reinforce.process_reward.steps)
