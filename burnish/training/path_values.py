"""Values of the partial solutions of growing trees: what was read of a path is not read again.

`StepJudge` reads rows of training data once, with the weights as they are at each call. Here the
weights stay as they were at the beginning, and a search comes back to the same paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from burnish.models.process_reward_model import ProcessRewardModel
from burnish.models.step_batch import reading_of_prefix
from burnish.rollout.state_reader import Reading, StateReader, state_reader
from burnish.training.step_values import StepJudge, require_finite
from burnish.types import SteppedTokens


class PrefixJudge(Protocol):
    """Values partial solutions."""

    def prefix_values(self, prefixes: Sequence[SteppedTokens]) -> list[float]:
        """V of each partial solution (without steps: of the question), from 0 to 1, in order."""
        ...


class PathJudge:
    """A process reward model that remembers the paths it has read.

    Args:
        model: its head is asked.
        reader: of the model's network.
    """

    def __init__(self, model: ProcessRewardModel, reader: StateReader) -> None:
        self._model = model
        self.reader = reader

    @torch.inference_mode()
    def prefix_values(self, prefixes: Sequence[SteppedTokens]) -> list[float]:
        """See `PrefixJudge`. Raises NonFiniteError."""
        if not prefixes:
            return []
        found = [reading_of_prefix(prefix, eos_id=self._model.eos_id) for prefix in prefixes]
        # Of a reading's tokens the last one stands for whatever comes next, and is not read.
        readings = [Reading(reading.token_ids[:-1], reading.shared) for reading in found]
        distinct = list(dict.fromkeys(readings))
        scores = self._model.scores_of(self.reader.read(distinct))
        require_finite(scores)
        values = dict(zip(distinct, self._model.values(scores).tolist(), strict=True))
        return [values[reading] for reading in readings]


def judge_of_paths(model: ProcessRewardModel, *, max_tokens: int, prefix_bytes: int) -> PrefixJudge:
    """The fastest judge there is for the model on this machine.

    Args:
        model: where paths are remembered, its weights are copied as they are now.
        max_tokens: size of a micro-batch, where they are not.
        prefix_bytes: memory for what was read.
    """
    reader = state_reader(model.plain_network(), model.compute_dtype, prefix_bytes=prefix_bytes)
    return StepJudge(model, max_tokens=max_tokens) if reader is None else PathJudge(model, reader)
