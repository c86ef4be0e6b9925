"""Padding, end and beginning: each a token of its own, and the end is learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from burnish.models.token_batch import TokenBatch
from burnish.run.doctor.check import Check, Finding, judged, skipped
from burnish.types import Example

PADDING = "padding is a token of its own"
EOS = "the end of an answer is learnt"
BOS = "a text begins once"
TURN_END = "a turn ends with a token that sampling stops at"
_ANSWER = "A7Z"


def check_padding(tokenizer: PreTrainedTokenizerBase) -> Check:
    """The padding token is none of those that texts have."""
    pad, eos, bos = (
        tokenizer.special_tokens_map.get(f"{name}_token") for name in ("pad", "eos", "bos")
    )
    if pad is not None and pad not in (eos, bos):
        return judged(PADDING, None, seen=f"padding {pad!r}, end {eos!r}, beginning {bos!r}")
    found = Finding(
        f"padding is {pad!r}, the end {eos!r}, the beginning {bos!r}: whatever masks padding by "
        "its id masks the other, too, and a model whose end is masked never learns to stop.",
        "Set `model.pad_token` to a token that nothing else uses.",
    )
    return judged(PADDING, found, seen="", stops_training=True)


def check_end_is_learnt(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    *,
    collate: Callable[[Sequence[Example]], TokenBatch] = TokenBatch.collate,
) -> Check:
    """In the batch that training reads, EOS closes every answer and counts in the loss."""
    if not examples:
        return skipped(EOS, "no row has an annotated answer to imitate")
    eos, batch = tokenizer.eos_token_id, collate(examples)
    without = [
        example.problem_id
        for row, example in enumerate(examples)
        if example.token_ids[-1] != eos
        or int(batch.token_ids[row, len(example.token_ids) - 1]) != eos
        or not bool(batch.action_mask[row, len(example.token_ids) - 2])
    ]
    if not without:
        return judged(EOS, None, seen=f"{tokenizer.eos_token!r} counts in the loss of every row")
    found = Finding(
        f"{len(without)} of {len(examples)} rows, such as {without[0]!r}, do not have "
        f"{tokenizer.eos_token!r} in their loss: the model would not learn to stop, and its answers"
        " would run into the token limit.",
        "Give padding a token of its own (`model.pad_token`) and mask by length, not by id.",
    )
    return judged(EOS, found, seen="", stops_training=True)


def check_beginning(
    prompts: Sequence[tuple[int, ...]], tokenizer: PreTrainedTokenizerBase
) -> Check:
    """BOS stands once before a prompt where the tokenizer puts one, and never twice."""
    bos = tokenizer.bos_token_id
    if not isinstance(bos, int):
        return skipped(BOS, "the tokenizer has no token for the beginning")
    empty = tokenizer.encode("", add_special_tokens=True)
    wanted = empty[:1] == [bos]
    twice = sum(prompt[:2] == (bos, bos) for prompt in prompts)
    missing = sum(wanted and prompt[:1] != (bos,) for prompt in prompts)
    if not twice + missing:
        return judged(BOS, None, seen="once" if wanted else "this tokenizer begins with the text")
    found = Finding(
        f"of {len(prompts)} prompts {twice} begin with {tokenizer.bos_token!r} twice and {missing} "
        "without it: not as in the model's pretraining, which costs quality in silence.",
        "Mend the chat template: it or the tokenizer adds the token, not both.",
    )
    return judged(BOS, found, seen="")


def check_turn_end(tokenizer: PreTrainedTokenizerBase, stops: Sequence[int]) -> Check:
    """The token that the chat template puts behind an answer is one that sampling stops at."""
    turns = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": _ANSWER}]
    try:
        text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    except TemplateError as error:
        return skipped(TURN_END, f"the chat template refuses a plain exchange ({error})")
    behind = text.rpartition(_ANSWER)[2].strip()
    ids = tokenizer.encode(behind, add_special_tokens=False)
    if not ids or ids[0] in stops:
        return judged(TURN_END, None, seen=f"{behind[:20]!r}")
    found = Finding(
        f"the chat template closes an answer with {behind[:20]!r}, but sampling stops at "
        f"{tokenizer.decode(list(stops))!r}: answers run on past their end.",
        "Use the tokenizer of the chat model, whose eos_token closes a turn.",
    )
    return judged(TURN_END, found, seen="")
