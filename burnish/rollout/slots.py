"""What the rows in decode have sampled so far: one array a quantity, one place a slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from burnish.rollout.uniforms import seed_keys

_MASK = 2**64 - 1


class NewRow(Protocol):
    """What a row brings along."""

    @property
    def prompt_ids(self) -> tuple[int, ...]: ...

    @property
    def seed(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...


class Slots:
    """The samples of the rows in decode; slots `0 .. B-1` are in use.

    Attributes:
        keys: of each row's uniform numbers (`uniforms.seed_keys`).
        num_sampled: tokens sampled so far.
        limits: most tokens of each row.
        last_ids: the input of the next step: the last token, of the prompt at first.
    """

    def __init__(self, num_slots: int, max_tokens: int) -> None:
        self.keys = np.zeros(num_slots, dtype=np.uint64)
        self.num_sampled = np.zeros(num_slots, dtype=np.uint64)
        self.limits = np.zeros(num_slots, dtype=np.uint64)
        self.last_ids = np.zeros(num_slots, dtype=np.int64)
        self._prompt_tokens = np.zeros(num_slots, dtype=np.int64)
        self._token_ids = np.zeros((num_slots, max_tokens), dtype=np.int64)
        # Log-probabilities under the model and under the distribution drawn from.
        self._logp = np.zeros((2, num_slots, max_tokens), dtype=np.float32)
        self._rows = np.arange(num_slots)

    def start(self, first_slot: int, rows: Sequence[NewRow]) -> None:
        """Rows join in new slots."""
        used = slice(first_slot, first_slot + len(rows))
        seeds = np.array([row.seed & _MASK for row in rows], dtype=np.uint64)
        self.keys[used] = seed_keys(seeds)
        self.num_sampled[used] = 0
        self.limits[used] = [row.max_tokens for row in rows]
        self.last_ids[used] = [row.prompt_ids[-1] for row in rows]
        self._prompt_tokens[used] = [len(row.prompt_ids) for row in rows]

    def positions(self, used: slice) -> NDArray[np.int64]:
        """Where the next input of each row stands."""
        return self._prompt_tokens[used] + self.num_sampled[used].astype(np.int64) - 1

    def append(self, token_ids: NDArray[np.int64], logp: Tensor, sampler_logp: Tensor) -> None:
        """One more token for each of the first B slots."""
        used = slice(len(token_ids))
        rows, columns = self._rows[used], self.num_sampled[used].astype(np.int64)
        self._token_ids[rows, columns] = token_ids
        self._logp[0, rows, columns] = logp.cpu().numpy()
        self._logp[1, rows, columns] = sampler_logp.cpu().numpy()
        self.last_ids[used] = token_ids
        self.num_sampled[used] += np.uint64(1)

    def sampled(self, slot: int) -> NDArray[np.int64]:
        """The tokens of one row so far."""
        return self._token_ids[slot, : int(self.num_sampled[slot])]

    def results(self, slot: int) -> tuple[list[int], list[float], list[float]]:
        """Tokens and both log-probabilities of one row."""
        size = int(self.num_sampled[slot])
        own, sampler = self._logp[:, slot, :size].tolist()
        return self._token_ids[slot, :size].tolist(), own, sampler

    def move(self, source: int, target: int) -> None:
        """Copy one slot over another."""
        size = int(self.num_sampled[source])
        columns = (self.keys, self.num_sampled, self.limits, self.last_ids, self._prompt_tokens)
        for column in columns:
            column[target] = column[source]
        self._token_ids[target, :size] = self._token_ids[source, :size]
        self._logp[:, target, :size] = self._logp[:, source, :size]
