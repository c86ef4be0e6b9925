"""Solutions in steps as tokens: those that were sampled, and those that people wrote.

A step ends with the token that completes its words, and the tokens of white space behind them that
are still its own. Where one token has the last word of a step and the first of the next, it belongs
to the first step; steps that end in the same token become one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from transformers import PreTrainedTokenizerBase

from burnish.data.rendering import Renderer
from burnish.rollout.stopping import decode_after
from burnish.search.steps import StepFormat, split_steps
from burnish.types import Completion, Problem, StepLabels, SteppedTokens


def sampled_steps(
    problem: Problem,
    completion: Completion,
    *,
    steps: StepFormat,
    tokenizer: PreTrainedTokenizerBase,
) -> SteppedTokens:
    """The tokens of a completion, as they were sampled; EOS belongs to the last step.

    An empty text has no steps.
    """
    text = decode_after(tokenizer, completion.prompt_ids, completion.token_ids)
    ends = _ends(completion.prompt_ids, completion.token_ids, split_steps(text, steps), tokenizer)
    return _cut(problem, completion.prompt_ids, completion.token_ids, ends)


def written_steps(
    problem: Problem,
    texts: Sequence[str],
    values: Sequence[float | None],
    *,
    renderer: Renderer,
    tokenizer: PreTrainedTokenizerBase,
) -> StepLabels:
    """A solution from the texts of its steps, tokenised as a whole, with their labels.

    Of steps that become one, the last one's label is kept. Raises DataError for a long prompt.
    """
    prompt_ids = renderer.prompt_ids(problem)
    target = renderer.imitation(problem, "".join(texts)).token_ids[len(prompt_ids) : -1]
    ends = _ends(prompt_ids, target, texts, tokenizer)
    value_at = dict(zip(ends, values, strict=True))
    return StepLabels(_cut(problem, prompt_ids, target, ends), tuple(value_at.values()))


def _ends(
    prompt_ids: tuple[int, ...],
    token_ids: tuple[int, ...],
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
) -> list[int]:
    """One past the last token of each text; of the last text, the end of all tokens."""

    def length(num_tokens: int) -> int:
        return len(decode_after(tokenizer, prompt_ids, token_ids[:num_tokens]))

    counts = range(len(token_ids))
    ends: list[int] = []
    for text, end in zip(texts, accumulate(map(len, texts)), strict=True):
        words = bisect_left(counts, end - len(text) + len(text.rstrip()), key=length)
        ends.append(max(words, bisect_right(counts, end, key=length) - 1))
    return [*ends[:-1], len(token_ids)] if ends else []


def _cut(
    problem: Problem,
    prompt_ids: tuple[int, ...],
    token_ids: tuple[int, ...],
    ends: Sequence[int],
) -> SteppedTokens:
    places = [0, *dict.fromkeys(ends)]
    steps = tuple(token_ids[start:end] for start, end in pairwise(places))
    return SteppedTokens(problem.id, prompt_ids, steps)
