"""Batches cut by token budget from length-sorted sequences, so that little is padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from burnish.models.token_batch import TokenSequence

S = TypeVar("S", bound=TokenSequence)


def micro_batches(sequences: Sequence[S], *, max_tokens: int) -> list[list[S]]:
    """Partition `sequences` so that rows x longest row, padding included, is within `max_tokens`.

    A sequence longer than the budget stands alone. Longest first, so that memory peaks at once.
    """
    batches: list[list[S]] = []
    for sequence in sorted(sequences, key=lambda s: len(s.token_ids), reverse=True):
        longest = len(batches[-1][0].token_ids) if batches else 0
        if batches and longest * (len(batches[-1]) + 1) <= max_tokens:
            batches[-1].append(sequence)
        else:
            batches.append([sequence])
    return batches
