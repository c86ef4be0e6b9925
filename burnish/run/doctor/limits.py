"""Prompts and answers within the limits of the recipe and of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from burnish.run.doctor.check import Check, Finding, judged, skipped

PROMPTS = "prompts are within their limit"
CONTEXT = "prompt and answer fit the model"
ANSWERS = "answers can be written within their limit"
MAX_LONG_SHARE = 0.1


def check_prompts(lengths: Mapping[str, Sequence[int]], *, limit: int) -> Check:
    """No prompt is longer than `limit`.

    Args:
        lengths: in tokens, by split.
    """
    longer = {split: sum(n > limit for n in sizes) for split, sizes in lengths.items()}
    longest = max((n for sizes in lengths.values() for n in sizes), default=0)
    numbers = {"longest": longest, "limit": limit}
    if not any(longer.values()):
        return judged(PROMPTS, None, seen=f"{longest} of {limit} tokens", numbers=numbers)
    where = ", ".join(f"{count} of {split}" for split, count in longer.items() if count)
    found = Finding(
        f"{where} have more than {limit} tokens, the longest {longest}; the run would stop at them",
        f"Set lengths.max_prompt_tokens={longest}, or remove these rows.",
    )
    return judged(PROMPTS, found, seen="", numbers=numbers, stops_training=True)


def check_context(longest_prompt: int, *, max_new_tokens: int, context: int | None) -> Check:
    """The longest prompt leaves room for a completion."""
    if context is None:
        return skipped(CONTEXT, "the model does not say how much it can read")
    wanted = longest_prompt + max_new_tokens
    numbers = {"tokens": wanted, "context": context}
    if wanted <= context:
        return judged(CONTEXT, None, seen=f"{wanted} of {context} tokens", numbers=numbers)
    found = Finding(
        f"the longest prompt ({longest_prompt} tokens) and {max_new_tokens} new tokens are more "
        f"than the {context} that the model has positions for",
        "Lower lengths.max_new_tokens, or remove the longest rows.",
    )
    return judged(CONTEXT, found, seen="", numbers=numbers, stops_training=True)


def check_answers(lengths: Sequence[int], *, limit: int) -> Check:
    """Nearly all annotated answers are short enough to be sampled whole."""
    if not lengths:
        return skipped(ANSWERS, "no row has an annotated answer to imitate")
    share = sum(n > limit for n in lengths) / len(lengths)
    numbers = {"longest": max(lengths), "limit": limit, "longer": share}
    if share <= MAX_LONG_SHARE:
        seen = f"the longest has {max(lengths)} of {limit} tokens"
        return judged(ANSWERS, None, seen=seen, numbers=numbers)
    found = Finding(
        f"{share:.0%} of the annotated answers are longer than {limit} tokens: sampled answers of "
        "that length would be cut off before they are finished, and graded as wrong",
        f"Raise lengths.max_new_tokens towards {max(lengths)}.",
    )
    return judged(ANSWERS, found, seen="", numbers=numbers)
