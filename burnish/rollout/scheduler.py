"""The sampling loop: waiting prompts are prefilled and join, every row takes a step, some leave.

Rows are independent of each other: a sample's tokens depend on its prompt and its seed only, so the
order in which rows join and leave is free to be the fastest one (longest prompts first, so that
rows of similar length decode together).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from burnish.rollout.attention import CausalPlan, DecodePlan
from burnish.rollout.cache import PrefillCache, SlotCache
from burnish.rollout.engine import SamplingParams
from burnish.rollout.sampling import Draw, draw
from burnish.rollout.stopping import StopStrings
from burnish.rollout.uniforms import seed_keys, uniforms
from burnish.types import StopReason

PREFILL_TOKENS = 4096


@dataclass(slots=True)
class EngineStats:
    """Counts since the engine was built.

    Attributes:
        prefill_tokens: prompt tokens passed through the network ahead of decode, padding excluded.
        padding_tokens: padding in those passes.
        decode_steps: forward passes of one token a row.
        sampled_tokens: tokens drawn; `sampled_tokens / decode_steps` is the mean number of rows.
    """

    prefill_tokens: int = 0
    padding_tokens: int = 0
    decode_steps: int = 0
    sampled_tokens: int = 0


@dataclass(slots=True)
class Row:
    """A sample on its way. The input of its first step is the last token of its prompt."""

    prompt_ids: tuple[int, ...]
    seed: int
    token_ids: list[int] = field(default_factory=list)
    logp: list[float] = field(default_factory=list)
    sampler_logp: list[float] = field(default_factory=list)
    stop_reason: StopReason | None = None

    @property
    def position(self) -> int:
        """Where its next input token stands."""
        return len(self.prompt_ids) + len(self.token_ids) - 1

    @property
    def next_input(self) -> int:
        """The last token so far."""
        return self.token_ids[-1] if self.token_ids else self.prompt_ids[-1]


@dataclass(slots=True)
class _Waiting:
    """A prompt and its rows that have not joined yet; `prefixes` once it is prefilled."""

    prompt_ids: tuple[int, ...]
    rows: deque[Row]
    prefixes: list[Tensor] = field(default_factory=list)


class SamplingLoop:
    """Drives all rows to their end. One loop serves one call of `sample`.

    Args:
        network: set up for `attend_by_plan`.
        cache: empty; its slots bound the number of rows at once.
        params: the distribution to draw from.
        eos_ids: tokens that end a row.
        stop: stop strings.
        stats: counted up in place.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        cache: SlotCache,
        *,
        params: SamplingParams,
        eos_ids: frozenset[int],
        stop: StopStrings,
        stats: EngineStats,
    ) -> None:
        self._network = network
        self._cache = cache
        self._params = params
        self._eos_ids = eos_ids
        self._stop = stop
        self._stats = stats
        parameter = next(network.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype
        self._active: list[Row] = []
        self._inputs = torch.empty(0, dtype=torch.long)
        self._positions = torch.empty(0, dtype=torch.long)
        self._longest = 0
        self._keys = np.empty(0, dtype=np.uint64)
        self._steps = np.empty(0, dtype=np.uint64)

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
            if not waiting[0].prefixes:
                self._prefill(waiting)
            prompt = waiting[0]
            joining = [prompt.rows.popleft() for _ in range(min(num_free, len(prompt.rows)))]
            self._longest = max(self._longest, len(prompt.prompt_ids) - 1)
            self._cache.fit(self._longest + 1, prompt.prefixes)
            self._cache.fill(len(self._active), len(joining), prompt.prefixes)
            self._active.extend(joining)
            num_free -= len(joining)
            if not prompt.rows:
                waiting.popleft()
        self._gather()

    def _prefill(self, waiting: deque[_Waiting]) -> None:
        """Run the first prompts, all but their last token, in one pass.

        The last token is each sample's first decode step, which gives the first logits.
        """
        batch = _prefill_batch(waiting)
        lengths = [len(prompt.prompt_ids) - 1 for prompt in batch]
        # One column even for prompts of one token: it shows the shape of the cache.
        width = max(1, *lengths)
        padded = [
            (p.prompt_ids[:n] + (0,) * width)[:width] for p, n in zip(batch, lengths, strict=True)
        ]
        cache = PrefillCache()
        self._network.base_model(
            input_ids=torch.tensor(padded, device=self._device),
            position_ids=torch.arange(width, device=self._device)[None],
            past_key_values=cache,
            use_cache=True,
            plan=CausalPlan(width, self._device),
        )
        for index, (prompt, length) in enumerate(zip(batch, lengths, strict=True)):
            prompt.prefixes = cache.prefixes(index, length)
        self._stats.prefill_tokens += sum(lengths)
        self._stats.padding_tokens += width * len(batch) - sum(lengths)

    def _step(self) -> Draw:
        """Feed every active row its last token and draw the next."""
        self._cache.fit(self._longest + 1)
        self._cache.point(self._positions)
        plan = DecodePlan(self._positions, self._cache.num_columns, self._dtype)
        logits = self._network(
            input_ids=self._inputs[:, None],
            position_ids=self._positions[:, None],
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
            plan=plan,
        ).logits[:, -1]
        numbers = torch.from_numpy(uniforms(self._keys, self._steps)).to(self._device)
        drawn = draw(logits, numbers, self._params)
        self._inputs = drawn.token_ids
        self._positions = self._positions + 1
        self._longest += 1
        self._steps += np.uint64(1)
        self._stats.decode_steps += 1
        self._stats.sampled_tokens += len(self._active)
        return drawn

    def _record(self, drawn: Draw) -> None:
        token_ids = drawn.token_ids.tolist()
        logp = drawn.logp.tolist()
        sampler_logp = logp if drawn.sampler_logp is drawn.logp else drawn.sampler_logp.tolist()
        is_done = False
        for row, token_id, own, sampler in zip(
            self._active, token_ids, logp, sampler_logp, strict=True
        ):
            row.token_ids.append(token_id)
            row.logp.append(own)
            row.sampler_logp.append(sampler)
            row.stop_reason = self._stop_reason(row.token_ids)
            is_done = is_done or row.stop_reason is not None
        if is_done:
            self._compact()

    def _stop_reason(self, token_ids: list[int]) -> StopReason | None:
        if token_ids[-1] in self._eos_ids:
            return StopReason.EOS
        if self._stop.complete(token_ids):
            return StopReason.STOP_STRING
        return StopReason.LENGTH if len(token_ids) == self._params.max_tokens else None

    def _compact(self) -> None:
        """Let finished rows leave; the last rows move into their slots."""
        rows = self._active
        for slot in reversed(range(len(rows))):
            if rows[slot].stop_reason is None:
                continue
            last = rows.pop()
            if slot < len(rows):
                self._cache.move(len(rows), slot)
                rows[slot] = last
        self._cache.keep(len(rows))
        self._gather()

    def _gather(self) -> None:
        """Rebuild the tensors of the active rows after some joined or left."""
        rows = self._active
        positions = [row.position for row in rows]
        self._inputs = torch.tensor([row.next_input for row in rows], device=self._device)
        self._positions = torch.tensor(positions, device=self._device)
        self._longest = max(positions, default=0)
        self._keys = seed_keys(np.array([row.seed & _MASK for row in rows], dtype=np.uint64))
        self._steps = np.array([len(row.token_ids) for row in rows], dtype=np.uint64)


_MASK = 2**64 - 1


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
