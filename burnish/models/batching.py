"""Batches cut by token budget: little padding, and samples of one prompt together where it pays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from burnish.models.token_batch import TokenSequence, prompt_of

S = TypeVar("S", bound=TokenSequence)

MAX_PADDING = 0.08
FULL_ENOUGH = 512
"""Computed tokens from which on a batch is rather closed than padded: the cost of one more batch is
that of about as many tokens of padding."""


def micro_batches(sequences: Sequence[S], *, max_tokens: int) -> list[list[S]]:
    """Partition `sequences` so that no batch, padding included, has more than `max_tokens` tokens.

    The policy computes a prompt once a batch, so samples of one prompt should stand together; rows
    of one length should, too, and a batch that is large enough takes no more than a tenth of
    padding. Both orders are tried, and the one that computes fewer tokens is taken. The longest
    rows come first, so that memory peaks at once. One that is longer than the budget stands alone.
    """
    rows = [_Row(sequence, prompt_of(sequence)) for sequence in sequences]
    rows.sort(key=lambda row: (row.length, row.prompt), reverse=True)
    of_prompt: dict[tuple[int, ...], list[_Row[S]]] = {}
    for row in rows:
        of_prompt.setdefault(row.prompt, []).append(row)
    plans = [_cut(of_prompt.values(), max_tokens), _cut([[row] for row in rows], max_tokens)]
    best = min(plans, key=lambda plan: sum(batch.num_tokens for batch in plan))
    return [[row.sequence for row in batch.rows] for batch in best]


@dataclass(frozen=True, slots=True)
class _Row(Generic[S]):
    sequence: S
    prompt: tuple[int, ...]

    @property
    def length(self) -> int:
        return len(self.sequence.token_ids)

    @property
    def num_rest(self) -> int:
        return self.length - len(self.prompt)


@dataclass(slots=True)
class _Batch(Generic[S]):
    """Rows and the size of what is computed for them: each prompt once, and all rests, padded."""

    rows: list[_Row[S]] = field(default_factory=list)
    prompts: set[tuple[int, ...]] = field(default_factory=set)
    widest_prompt: int = 0
    widest_rest: int = 0
    num_real: int = 0

    @property
    def num_tokens(self) -> int:
        return len(self.prompts) * self.widest_prompt + len(self.rows) * self.widest_rest

    @property
    def padding(self) -> float:
        return 1.0 - self.num_real / self.num_tokens

    def with_row(self, row: _Row[S]) -> _Batch[S]:
        """What the batch would be with one row more."""
        is_new = row.prompt not in self.prompts
        return _Batch(
            [*self.rows, row],
            self.prompts | {row.prompt},
            max(self.widest_prompt, len(row.prompt)),
            max(self.widest_rest, row.num_rest),
            self.num_real + row.num_rest + is_new * len(row.prompt),
        )

    def is_full_for(self, grown: _Batch[S]) -> bool:
        """Whether it is large enough to be closed rather than padded for what makes it `grown`."""
        return self.num_tokens >= FULL_ENOUGH and grown.padding > MAX_PADDING


def _cut(units: Iterable[Sequence[_Row[S]]], max_tokens: int) -> list[_Batch[S]]:
    """Batches of rows in the order of `units`; padding closes one only between two units."""
    batches = [_Batch[S]()]
    for unit in units:
        for place, row in enumerate(unit):
            batch = batches[-1]
            grown = batch.with_row(row)
            is_full = place == 0 and batch.is_full_for(grown)
            if batch.rows and (is_full or grown.num_tokens > max_tokens):
                batches.append(_Batch[S]().with_row(row))
            else:
                batches[-1] = grown
    return [batch for batch in batches if batch.rows]
