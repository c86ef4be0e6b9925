"""Where the steps of a sampled text end, in tokens.

A step ends with the token that completes its words, and the tokens of white space behind them that
are still its own. Where one token has the last word of a step and the first of the next, it belongs
to the first step.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

from transformers import PreTrainedTokenizerBase

from burnish.rollout.stopping import decode_after


def step_ends(
    tokenizer: PreTrainedTokenizerBase,
    prompt_ids: Sequence[int],
    token_ids: Sequence[int],
    texts: Sequence[str],
) -> list[int]:
    """One past the last token of each text; of the last text, the end of all tokens.

    Args:
        prompt_ids: what stands before the tokens.
        token_ids: what was sampled.
        texts: steps, which join to the text of the tokens.
    """

    @cache
    def length(num_tokens: int) -> int:
        return len(decode_after(tokenizer, prompt_ids, token_ids[:num_tokens]))

    counts = range(len(token_ids))
    ends: list[int] = []
    for text, end in zip(texts, accumulate(map(len, texts)), strict=True):
        words = bisect_left(counts, end - len(text) + len(text.rstrip()), key=length)
        ends.append(max(words, bisect_right(counts, end, key=length) - 1))
    return [*ends[:-1], len(token_ids)] if ends else []
