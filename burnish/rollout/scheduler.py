"""The sampling loop: waiting prompts are prefilled and join, every row takes a step, some leave.

Rows are independent of each other: a sample's tokens depend on its prompt and its seed only, so the
order in which rows join and leave is free to be the fastest one (longest prompts first, so that
rows of similar length decode together).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from burnish.rollout.attention import DecodePlan
from burnish.rollout.cache import Layout, SlotCache
from burnish.rollout.decoder import Decoder
from burnish.rollout.engine import SamplingParams
from burnish.rollout.prefixes import PrefixStore
from burnish.rollout.prompts import Prefix, PromptReader
from burnish.rollout.sampling import Draw, draw
from burnish.rollout.slots import Slots
from burnish.rollout.stats import EngineStats
from burnish.rollout.stopping import StopStrings
from burnish.rollout.uniforms import uniforms
from burnish.types import StopReason

PREFILL_TOKENS = 4096


@dataclass(slots=True)
class Row:
    """A sample on its way; what was sampled is filled in at its end."""

    prompt_ids: tuple[int, ...]
    seed: int
    max_tokens: int
    token_ids: list[int] = field(default_factory=list)
    logp: list[float] = field(default_factory=list)
    sampler_logp: list[float] = field(default_factory=list)
    stop_reason: StopReason | None = None


@dataclass(slots=True)
class _Waiting:
    """A prompt and its rows that have not joined yet; `prefix` once it is read."""

    prompt_ids: tuple[int, ...]
    rows: deque[Row]
    prefix: Prefix | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """What runs a network.

    Attributes:
        network: of which the others are made.
        prompts: reads prompts.
        decoder: runs the steps on the same weights.
        store: takes the keys and values of finished rows.
    """

    network: PreTrainedModel
    prompts: PromptReader
    decoder: Decoder
    store: PrefixStore


class SamplingLoop:
    """Drives all rows to their end. One loop serves one call of `sample`.

    Args:
        models: the network, and what runs it.
        cache: empty; its slots bound the number of rows at once.
        params: the distribution to draw from.
        eos_ids: tokens that end a row.
        stop: stop strings.
        stats: counted up in place.
    """

    def __init__(
        self,
        models: Models,
        cache: SlotCache,
        *,
        params: SamplingParams,
        eos_ids: frozenset[int],
        stop: StopStrings,
        stats: EngineStats,
    ) -> None:
        self._decoder = models.decoder
        self._prompts = models.prompts
        self._store = models.store
        self._cache = cache
        self._params = params
        self._stop = stop
        self._stats = stats
        parameter = next(models.network.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype
        self._is_eos = np.zeros(models.network.config.get_text_config().vocab_size, dtype=bool)
        self._is_eos[[i for i in eos_ids if i < len(self._is_eos)]] = True
        self._active: list[Row] = []
        self._slots = Slots(cache.num_slots, params.max_tokens)
        self._inputs = torch.empty(0, dtype=torch.long)
        self._positions = torch.empty(0, dtype=torch.long)
        self._longest = 0
        # A steady cache is made wide enough at once.
        is_steady = cache.layout is Layout.STEADY
        self._columns_ahead = params.max_tokens if is_steady else 1

    def run(self, rows: Sequence[Row]) -> None:
        """Sample every row to its end; results stand in the rows."""
        waiting = _by_prompt(rows)
        while waiting or self._active:
            if waiting and len(self._active) < self._cache.num_slots:
                self._admit(waiting)
            self._record(self._step())

    def _admit(self, waiting: deque[_Waiting]) -> None:
        num_free = self._cache.num_slots - len(self._active)
        while waiting and num_free:
            prompt = waiting[0]
            if prompt.prefix is None:
                self._prefill(waiting)
            assert prompt.prefix is not None
            joining = [prompt.rows.popleft() for _ in range(min(num_free, len(prompt.rows)))]
            self._longest = max(self._longest, len(prompt.prompt_ids) - 1)
            self._cache.fit(self._longest + self._columns_ahead, prompt.prefix)
            self._cache.fill(len(self._active), len(joining), prompt.prefix)
            self._slots.start(len(self._active), joining)
            self._active.extend(joining)
            num_free -= len(joining)
            if not prompt.rows:
                waiting.popleft()
        self._gather()

    def _prefill(self, waiting: deque[_Waiting]) -> None:
        """Read the first prompts, all but their last token, in one pass.

        The last token is each sample's first decode step, which gives the first logits.
        """
        batch = _prefill_batch(waiting)
        found = self._prompts.read([prompt.prompt_ids[:-1] for prompt in batch])
        for prompt, prefix in zip(batch, found, strict=True):
            prompt.prefix = prefix

    def _step(self) -> Draw:
        """Feed every active row its last token and draw the next."""
        self._cache.fit(self._longest + 1)
        self._cache.point(self._positions)
        plan = DecodePlan(self._positions, self._dtype)
        logits = self._decoder(self._inputs, self._positions, self._cache, plan)
        drawn = draw(logits, self._uniforms(), self._params)
        self._inputs = drawn.token_ids
        self._positions = self._positions + 1
        self._longest += 1
        self._stats.decode_steps += 1
        self._stats.sampled_tokens += len(self._active)
        return drawn

    def _uniforms(self) -> Tensor:
        used = slice(len(self._active))
        numbers = uniforms(self._slots.keys[used], self._slots.num_sampled[used])
        return torch.from_numpy(numbers).to(self._device)

    def _record(self, drawn: Draw) -> None:
        token_ids = drawn.token_ids.cpu().numpy()
        self._slots.append(token_ids, drawn.logp, drawn.sampler_logp)
        num_sampled = self._slots.num_sampled[: len(token_ids)]
        is_done = self._is_eos[token_ids] | (num_sampled == self._slots.limits[: len(token_ids)])
        if self._stop:
            is_done |= [self._completes_stop(slot) for slot in range(len(token_ids))]
        if is_done.any():
            self._release(np.flatnonzero(is_done))

    def _completes_stop(self, slot: int) -> bool:
        return self._stop.complete(self._slots.sampled(slot).tolist())

    def _release(self, done: NDArray[np.intp]) -> None:
        """Let finished rows leave; the last rows move into their slots."""
        rows = self._active
        for slot in reversed(done.tolist()):
            self._finish(rows[slot], slot)
            last = rows.pop()
            if slot < len(rows):
                self._cache.move(len(rows), slot)
                self._slots.move(len(rows), slot)
                rows[slot] = last
        self._cache.keep(len(rows))
        self._gather()

    def _finish(self, row: Row, slot: int) -> None:
        row.token_ids, row.logp, row.sampler_logp = self._slots.results(slot)
        read = (*row.prompt_ids, *row.token_ids[:-1])  # the last token was not
        self._store.remember(read, partial(self._cache.copied, slot, len(read)))
        if self._is_eos[row.token_ids[-1]]:
            row.stop_reason = StopReason.EOS
        elif self._stop.complete(row.token_ids):
            row.stop_reason = StopReason.STOP_STRING
        else:
            row.stop_reason = StopReason.LENGTH

    def _gather(self) -> None:
        """Bring inputs and positions to the device after rows joined or left."""
        used = slice(len(self._active))
        positions = self._slots.positions(used)
        self._inputs = torch.from_numpy(self._slots.last_ids[used].copy()).to(self._device)
        self._positions = torch.from_numpy(positions).to(self._device)
        self._longest = int(positions.max(initial=0))


def _by_prompt(rows: Sequence[Row]) -> deque[_Waiting]:
    """Rows of equal prompts together, longest prompts first."""
    prompts: dict[tuple[int, ...], deque[Row]] = {}
    for row in rows:
        prompts.setdefault(row.prompt_ids, deque()).append(row)
    ordered = sorted(prompts, key=len, reverse=True)
    return deque(_Waiting(prompt_ids, prompts[prompt_ids]) for prompt_ids in ordered)


def _prefill_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """The first prompts, up to `PREFILL_TOKENS` with padding; at least one."""
    width = len(waiting[0].prompt_ids)
    return list(waiting)[: max(1, PREFILL_TOKENS // width)]
