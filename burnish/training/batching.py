"""Batches cut by token budget: little padding, and samples of one prompt together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from burnish.models.token_batch import TokenSequence, prompt_of

S = TypeVar("S", bound=TokenSequence)


def micro_batches(sequences: Sequence[S], *, max_tokens: int) -> list[list[S]]:
    """Partition `sequences` so that no batch, padding included, has more than `max_tokens` tokens.

    Sequences are sorted by length, longest first, so that memory peaks at once; those with one
    prompt stand together, because the policy computes a prompt once a batch. One that is longer
    than the budget stands alone.
    """
    prompts = {id(sequence): prompt_of(sequence) for sequence in sequences}
    longest: dict[tuple[int, ...], int] = {}
    for sequence in sequences:
        prompt = prompts[id(sequence)]
        longest[prompt] = max(longest.get(prompt, 0), len(sequence.token_ids))

    def order(sequence: S) -> tuple[int, tuple[int, ...], int]:
        prompt = prompts[id(sequence)]
        return longest[prompt], prompt, len(sequence.token_ids)

    batches: list[list[S]] = []
    size = _Size()
    for sequence in sorted(sequences, key=order, reverse=True):
        prompt = prompts[id(sequence)]
        grown = size.with_row(prompt, len(sequence.token_ids) - len(prompt))
        if not batches or grown.num_tokens > max_tokens:
            batches.append([])
            grown = _Size().with_row(prompt, len(sequence.token_ids) - len(prompt))
        batches[-1].append(sequence)
        size = grown
    return batches


@dataclass(frozen=True, slots=True)
class _Size:
    """Of a padded batch whose rows are grouped by prompt; each prompt is counted once."""

    num_rows: int = 0
    num_prompts: int = 0
    last_prompt: tuple[int, ...] | None = None
    widest_prompt: int = 0
    widest_rest: int = 0

    @property
    def num_tokens(self) -> int:
        return self.num_prompts * self.widest_prompt + self.num_rows * self.widest_rest

    def with_row(self, prompt: tuple[int, ...], num_rest: int) -> _Size:
        return _Size(
            self.num_rows + 1,
            self.num_prompts + (prompt != self.last_prompt),
            prompt,
            max(self.widest_prompt, len(prompt)),
            max(self.widest_rest, num_rest),
        )
