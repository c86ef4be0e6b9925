"""What an engine has done, in counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class EngineStats:
    """Counts since the engine was built.

    Attributes:
        prefill_tokens: prompt tokens passed through the network ahead of decode, padding excluded.
        reused_tokens: prompt tokens that were not, because their keys and values were still known.
        padding_tokens: padding in those passes.
        decode_steps: forward passes of one token a row.
        sampled_tokens: tokens drawn; `sampled_tokens / decode_steps` is the mean number of rows.
        memory_ran_out: times that the number of rows at once was halved for lack of memory.
    """

    prefill_tokens: int = 0
    reused_tokens: int = 0
    padding_tokens: int = 0
    decode_steps: int = 0
    sampled_tokens: int = 0
    memory_ran_out: int = 0
