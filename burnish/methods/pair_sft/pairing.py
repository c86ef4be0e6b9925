"""Repairs that nobody made: a wrong sample, the instruction, and a right sample beside it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from burnish.training.attempt_data import SampledChain
from burnish.training.revisions import Kept, Revision, wanted_kinds
from burnish.training.seeds import derived_seed

Between = Callable[[SampledChain], tuple[int, ...]]
"""The tokens of the instruction after a first attempt."""


def paired_revisions(
    samples: Sequence[SampledChain], keep: Kept, *, between: Between, seed: int
) -> list[Revision]:
    """D: every wrong sample of a problem with a right one of the same; D+: also every right one.

    Right samples take turns, in an order drawn for the problem, so that all of them are imitated
    about equally often. A right sample is followed by another sample than itself, whose text may be
    the same; where a problem has but one, it is followed by none.

    Args:
        samples: of one attempt each.
        between: see `Between`.
    """
    by_problem: dict[str, list[SampledChain]] = {}
    for sample in samples:
        by_problem.setdefault(sample.problem_id, []).append(sample)
    kinds = wanted_kinds(keep)
    revisions = [
        _revision(first, second, between(first))
        for problem_id, group in by_problem.items()
        for first, second in _pairs(group, seed=derived_seed(seed, "pairs", problem_id))
    ]
    return [revision for revision in revisions if revision.kind in kinds]


def _pairs(group: Sequence[SampledChain], *, seed: int) -> list[tuple[SampledChain, SampledChain]]:
    """Both kinds of pairs of one problem's samples."""
    right = [sample for sample in group if _is_right(sample)]
    wrong = [sample for sample in group if not _is_right(sample)]
    random.Random(seed).shuffle(right)
    if not right:
        return []
    repairs = [(first, right[place % len(right)]) for place, first in enumerate(wrong)]
    following = [*right[1:], right[0]]
    return repairs if len(right) == 1 else [*repairs, *zip(right, following, strict=True)]


def _is_right(sample: SampledChain) -> bool:
    return sample.turns[0].score.is_correct


def _revision(first: SampledChain, second: SampledChain, between: tuple[int, ...]) -> Revision:
    """The second sample as if it had been made in view of the first."""
    turn = second.turns[0]
    return Revision(
        problem_id=first.problem_id,
        kind="right_to_right" if _is_right(first) else "wrong_to_right",
        first=first.turns[0].text,
        second=turn.text,
        context_ids=first.token_ids + between,
        target_ids=second.token_ids[turn.start : turn.stop],
    )
