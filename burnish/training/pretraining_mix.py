"""InstructGPT's PPO-ptx: while answers are rewarded, written ones are imitated beside it.

    L = L_PPO + gamma_ptx L_SFT        (arXiv:2203.02155, section 3.4 and equation 2)

The authors mix in pretraining text, against forgetting; here it is the rows that SFT imitates.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from burnish.config import Config
from burnish.models.policy import Policy
from burnish.training.learner import Learner, Metrics
from burnish.training.seeds import batch_indices
from burnish.training.supervised import imitation_gradients
from burnish.types import Example


class PtxConfig(Config):
    """The loss beside PPO's."""

    coef: float = Field(default=27.8, gt=0)
    """gamma_ptx: weight of the imitation loss a token; the paper: 27.8."""
    batch_size: int = Field(default=32, ge=1)
    """Rows of one update; all of them where there are fewer."""


class PretrainingMix:
    """The rows that are imitated, in an order of their own."""

    def __init__(
        self, examples: Sequence[Example], config: PtxConfig, *, seed: int, max_tokens: int
    ) -> None:
        """`max_tokens`: size of a micro-batch; changes nothing but memory."""
        self._examples = examples
        self._config = config
        self._seed = seed
        self._max_tokens = max_tokens

    def add_gradients(self, learner: Learner, policy: Policy, *, step: int) -> Metrics:
        """Those of the batch of a step, weighted; `ptx/loss` is without the weight."""
        size = min(self._config.batch_size, len(self._examples))
        rows = batch_indices(len(self._examples), step, batch_size=size, seed=self._seed)
        found = imitation_gradients(
            learner,
            policy,
            [self._examples[row] for row in rows],
            max_tokens=self._max_tokens,
            coef=self._config.coef,
        )
        return {"ptx/loss": found["train/loss"]}
