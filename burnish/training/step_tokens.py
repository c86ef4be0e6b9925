"""Solutions in steps as tokens: those that were sampled, and those that people wrote.

Where a step ends is told by `step_ends`; steps that end in the same token become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from transformers import PreTrainedTokenizerBase

from burnish.data.rendering import Renderer
from burnish.rollout.step_ends import step_ends
from burnish.rollout.stopping import decode_after
from burnish.search.steps import StepFormat, split_steps
from burnish.types import Completion, Problem, StepLabels, SteppedTokens, Trajectory


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
    return _split(
        problem.id, completion.prompt_ids, completion.token_ids, steps=steps, tokenizer=tokenizer
    )


def steps_of(
    trajectory: Trajectory, *, steps: StepFormat, tokenizer: PreTrainedTokenizerBase
) -> SteppedTokens:
    """The same of a trajectory of one turn."""
    assert not trajectory.turns, "steps of several turns have no one order"
    start = trajectory.is_action.index(True)
    prompt_ids, token_ids = trajectory.token_ids[:start], trajectory.token_ids[start:]
    return _split(trajectory.problem_id, prompt_ids, token_ids, steps=steps, tokenizer=tokenizer)


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
    ends = step_ends(tokenizer, prompt_ids, target, texts)
    value_at = dict(zip(ends, values, strict=True))
    return StepLabels(_cut(problem.id, prompt_ids, target, ends), tuple(value_at.values()))


def _split(
    problem_id: str,
    prompt_ids: tuple[int, ...],
    token_ids: tuple[int, ...],
    *,
    steps: StepFormat,
    tokenizer: PreTrainedTokenizerBase,
) -> SteppedTokens:
    text = decode_after(tokenizer, prompt_ids, token_ids)
    ends = step_ends(tokenizer, prompt_ids, token_ids, split_steps(text, steps))
    return _cut(problem_id, prompt_ids, token_ids, ends)


def _cut(
    problem_id: str,
    prompt_ids: tuple[int, ...],
    token_ids: tuple[int, ...],
    ends: Sequence[int],
) -> SteppedTokens:
    places = [0, *dict.fromkeys(ends)]
    steps = tuple(token_ids[start:end] for start, end in pairwise(places))
    return SteppedTokens(problem_id, prompt_ids, steps)
