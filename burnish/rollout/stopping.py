"""Stop strings, found in decoded text, without decoding at every step.

A stop string can only become complete with a token whose text contains its last character, so only
such tokens are followed by a look at the decoded end of the row.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BYTES_PER_CHARACTER = 4
_MARGIN_TOKENS = 16


class StopStrings:
    """Says when one of the strings stands at the end of what was sampled, and where to cut."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(stop)
        self._last_characters = frozenset(text[-1] for text in stop)
        longest = max((len(text) for text in stop), default=0)
        self._window = longest * _BYTES_PER_CHARACTER + _MARGIN_TOKENS
        self._may_complete: dict[int, bool] = {}

    def __bool__(self) -> bool:
        """Whether there is any string to stop at."""
        return bool(self._stop)

    def complete(self, token_ids: Sequence[int]) -> bool:
        """Whether the last token completed a stop string."""
        if not self._stop or not self._can_complete(token_ids[-1]):
            return False
        tail = decode(self._tokenizer, token_ids[-self._window :])
        if not any(text in tail for text in self._stop):
            return False
        whole = decode(self._tokenizer, token_ids)
        return any(text in whole for text in self._stop)

    def cut(self, text: str) -> str:
        """The text before the first stop string in it."""
        starts = [text.find(stop) for stop in self._stop]
        return text[: min((start for start in starts if start >= 0), default=len(text))]

    def _can_complete(self, token_id: int) -> bool:
        known = self._may_complete.get(token_id)
        if known is None:
            # Twice, because decoding drops the leading space of a first token. A part of a
            # character decodes to the replacement character and may complete any other.
            text = decode(self._tokenizer, [token_id, token_id])
            known = _REPLACEMENT in text or not self._last_characters.isdisjoint(text)
            self._may_complete[token_id] = known
        return known


def decode(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int]) -> str:
    """Text without special tokens, spaces left as they were sampled."""
    text = tokenizer.decode(
        list(token_ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    assert isinstance(text, str)
    return text


def decode_after(
    tokenizer: PreTrainedTokenizerBase, prompt_ids: Sequence[int], token_ids: Sequence[int]
) -> str:
    """Text of `token_ids` as they follow a prompt.

    Some tokenizers (Llama 2's) drop a leading space of what they decode. In the first line of a
    program that is a space of indentation, so one token of the prompt is decoded with them.
    """
    before = decode(tokenizer, prompt_ids[-1:])
    return decode(tokenizer, [*prompt_ids[-1:], *token_ids])[len(before) :]
