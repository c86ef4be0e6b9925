"""Values of partial solutions in large batches: what search, evaluation and training ask.

Equal readings are computed once, and rows that begin with the same tokens stand in one batch, where
what they share is computed once: the prompt for whole solutions, for prefixes all steps but the
last (siblings of a search tree share their path).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from burnish.errors import NonFiniteError
from burnish.models.batching import micro_batches
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.models.step_batch import (
    StepBatch,
    ValueReading,
    reading_of_prefix,
    reading_of_steps,
)
from burnish.types import SteppedTokens


class StepJudge:
    """A process reward model that is asked."""

    def __init__(self, model: ProcessRewardModel, *, max_tokens: int) -> None:
        """`max_tokens`: size of a micro-batch; changes nothing but memory and speed."""
        self._model = model
        self._max_tokens = max_tokens

    def prefix_values(self, prefixes: Sequence[SteppedTokens]) -> list[float]:
        """V of each partial solution (without steps: of the question), from 0 to 1, in order."""
        eos_id = self._model.eos_id
        readings = [reading_of_prefix(prefix, eos_id=eos_id) for prefix in prefixes]
        return [value for (value,) in self._read(readings)]

    def step_values(self, solutions: Sequence[SteppedTokens]) -> list[tuple[float, ...]]:
        """V after every step of each solution, all in one pass over it; () where it has none."""
        eos_id = self._model.eos_id
        whole = [s for s in solutions if s.step_ids]
        found = iter(self._read([reading_of_steps(s, eos_id=eos_id) for s in whole]))
        return [next(found) if s.step_ids else () for s in solutions]

    @torch.no_grad()
    def _read(self, readings: Sequence[ValueReading]) -> list[tuple[float, ...]]:
        found: dict[ValueReading, tuple[float, ...]] = {}
        distinct = list(dict.fromkeys(readings))
        for rows in micro_batches(distinct, max_tokens=self._max_tokens) if distinct else ():
            batch = StepBatch.collate(rows).to(self._model.device)
            scores = self._model.scores(batch)
            require_finite(scores)
            values = iter(self._model.values(scores).tolist())
            found.update((row, tuple(next(values) for _ in row.columns)) for row in rows)
        return [found[reading] for reading in readings]


def require_finite(scores: Tensor) -> None:
    """Raise NonFiniteError for scores that are no numbers."""
    if not bool(scores.isfinite().all()):
        raise NonFiniteError(
            "the value model says something that is no number of a partial solution, so nothing "
            "can be chosen by it. Its weights are damaged, or bfloat16 is too coarse for it: try "
            "compute.dtype: float32, or train it again with a lower learning rate."
        )
