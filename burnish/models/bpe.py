"""A byte-pair-encoding tokenizer restricted to fewer tokens, with the same result on given texts.

Works on the serialised form of the `tokenizers` library (`tokenizer.json`), so on every BPE that
ends in bytes: the byte-level kind (GPT-2, Qwen, Llama 3) and the byte-fallback kind (Llama 2,
Gemma).

Why the result is the same: BPE always applies the merge of lowest rank. Keep every token that the
full tokenizer passes through on a text, and every merge among kept tokens. Then each merge that
the full tokenizer applies is still there, and it is still the lowest, because merges were only
taken away. By induction both apply the same merges and stop at the same point.
"""

from __future__ import annotations

import itertools
import json
import string
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from tokenizers import Tokenizer, pre_tokenizers

from burnish.errors import ModelError

Spec: TypeAlias = dict[str, Any]  # a parsed tokenizer.json
MergeRanks: TypeAlias = dict[tuple[str, str], int]

_SPACE = "\u2581"  # stands for a space in SentencePiece-like vocabularies


def read_spec(tokenizer: Tokenizer) -> Spec:
    """The tokenizer's parsed serialisation. Raises ModelError where it cannot be restricted."""
    spec: Spec = json.loads(tokenizer.to_str())
    model = spec["model"]
    if model["type"] != "BPE":
        raise ModelError(
            f"model.trim_vocabulary: the tokenizer is of type {model['type']}, and only BPE "
            "tokenizers can be trimmed. Set model.trim_vocabulary to false."
        )
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise ModelError(
            "model.trim_vocabulary: the tokenizer marks pieces inside or at the end of words, "
            "which trimming does not support. Set model.trim_vocabulary to false."
        )
    return spec


def token_ids(spec: Spec) -> dict[str, int]:
    """Every token, added ones included, with its id."""
    return dict(spec["model"]["vocab"]) | {
        row["content"]: row["id"] for row in spec["added_tokens"]
    }


def restrict(spec: Spec, kept: Iterable[str]) -> tuple[Tokenizer, list[int]]:
    """A tokenizer of fewer tokens, numbered 0 to K-1, and the original id of each of them.

    Besides `kept` it has all bytes (so that every text still has tokens), what the post-processor
    adds, and what BPE passes through on the way to a kept token. Raises ModelError where the
    vocabulary has not all bytes.
    """
    vocabulary: dict[str, int] = spec["model"]["vocab"]
    ids = token_ids(spec)
    wanted = set(kept) | _fallback_tokens(spec) | _named_tokens(spec["post_processor"])
    ranks = _merge_ranks(spec)
    wanted |= {piece for token in wanted for piece in _pieces_on_the_way(token, ranks)}
    # Added tokens outside the model's own vocabulary must be numbered after it.
    order = sorted(wanted & ids.keys(), key=lambda token: (token not in vocabulary, ids[token]))
    number = {token: position for position, token in enumerate(order)}
    model = dict(spec["model"])
    model["vocab"] = {token: position for token, position in number.items() if token in vocabulary}
    model["merges"] = [
        [left, right] for left, right in ranks if {left, right, left + right} <= number.keys()
    ]
    restricted = dict(spec) | {
        "model": model,
        "added_tokens": [
            row | {"id": number[row["content"]]}
            for row in spec["added_tokens"]
            if row["content"] in number
        ],
        "post_processor": _renumber(spec["post_processor"], number),
        "truncation": None,
        "padding": None,
    }
    return Tokenizer.from_str(json.dumps(restricted)), [ids[token] for token in order]


def _merge_ranks(spec: Spec) -> MergeRanks:
    merges = spec["model"]["merges"]
    pairs = (
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in merges
    )
    return {(left, right): rank for rank, (left, right) in enumerate(pairs)}


def _pieces_on_the_way(token: str, ranks: MergeRanks) -> set[str]:
    """The symbols that BPE makes from the characters of `token`, merge by merge."""
    symbols = list(token)
    seen = set(symbols)
    while len(symbols) > 1:
        unmergeable = len(ranks)
        candidates = (
            (ranks.get(pair, unmergeable), at)
            for at, pair in enumerate(itertools.pairwise(symbols))
        )
        rank, at = min(candidates)
        if rank == unmergeable:
            break
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        seen.add(symbols[at])
    return seen


def _fallback_tokens(spec: Spec) -> set[str]:
    """Tokens for single bytes and printable ASCII, from which every text can be spelled."""
    vocabulary: dict[str, int] = spec["model"]["vocab"]
    alphabet = set(pre_tokenizers.ByteLevel.alphabet())
    if spec["model"].get("byte_fallback"):
        alphabet = {f"<0x{byte:02X}>" for byte in range(256)}
    missing = sorted(alphabet - vocabulary.keys())
    if missing:
        raise ModelError(
            f"model.trim_vocabulary: the tokenizer has no token for {len(missing)} of the 256 "
            f"bytes (such as {missing[0]!r}), so that text outside the kept tokens would be lost. "
            "Set model.trim_vocabulary to false."
        )
    unknown = spec["model"].get("unk_token")
    characters = {*string.printable, _SPACE, *([unknown] if unknown else [])}
    return alphabet | (characters & vocabulary.keys())


def _named_tokens(part: Any) -> set[str]:  # noqa: ANN401 nested JSON
    """The tokens that a post-processor adds to texts, at any depth."""
    if isinstance(part, list):
        return {part[0]} if _is_token_with_id(part) else set().union(*map(_named_tokens, part))
    if not isinstance(part, dict):
        return set()
    if "ids" in part:
        return set(part["tokens"])
    return set().union(*map(_named_tokens, part.values()))


def _renumber(part: Any, number: Mapping[str, int]) -> Any:  # noqa: ANN401 nested JSON
    """Give the tokens of a post-processor their new ids, at any depth."""
    if isinstance(part, list):
        if _is_token_with_id(part):
            return [part[0], number[part[0]]]
        return [_renumber(item, number) for item in part]
    if not isinstance(part, dict):
        return part
    if "ids" in part:
        return part | {"ids": [number[token] for token in part["tokens"]]}
    return {key: _renumber(value, number) for key, value in part.items()}


def _is_token_with_id(part: list[Any]) -> bool:
    """True for what BERT-like post-processors hold: `["[SEP]", 102]`."""
    return len(part) == 2 and isinstance(part[0], str) and isinstance(part[1], int)
