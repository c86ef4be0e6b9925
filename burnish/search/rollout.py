"""MCTS*'s rollout: a few steps ahead, guided by the value model (methods.md 3.3, ROLLOUT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from burnish.search.asker import Asker
from burnish.search.asks import Asking, Continuation, End, Prefix, Step
from burnish.search.expansion import ExpansionConfig, clipped_values, continuations


class RolloutConfig(ExpansionConfig):
    """How far and how a rollout looks ahead."""

    roll_forward_steps: int = Field(default=2, ge=0)
    """m: steps of a rollout (class 3; evaluate.py 2; data generation 1); 0 leaves rollouts out"""
    roll_branch: int = Field(default=1, ge=1)
    """next steps proposed for each step of a rollout (published: 1)"""
    roll_policy: Literal["greedy", "random"] = "greedy"
    """how a rollout chooses among them: the best valued, or any"""
    rolled_steps: Literal["forgotten", "kept"] = "forgotten"
    """steps of a rollout: forgotten (published), or kept as unvisited nodes, so that what was paid
    for can be grown and a solution met on the way is not lost"""
    alpha: float = Field(default=0.5, ge=0, le=1)
    """weight of the rollout in V (published: 0.5; in the paper's formula alpha weighs V)"""
    self_critic: Literal["none", "ask"] = "none"
    """whether the policy is asked if a partial solution is finished, besides the end markers"""


@dataclass(frozen=True, slots=True)
class Rollout:
    """Where a rollout went.

    Attributes:
        steps: those it took, below the node it started from.
        values: the value of each.
        best_value: the greatest of `values`; the start's own where no step was to be taken; `low`
            where one was to be taken and none was acceptable, as in the published code.
        start_is_finished: whether the critic said so of the node it started from.
    """

    steps: tuple[Step, ...]
    values: tuple[float, ...]
    best_value: float
    start_is_finished: bool = False


def rollout(config: RolloutConfig, ask: Asker, start: Prefix, value: float) -> Asking[Rollout]:
    """Roll `m` steps on from a child, whose value is `value`; a finished one is not rolled on."""
    if start.steps[-1].end != End.OPEN or not config.roll_forward_steps:
        return Rollout((), (), value)
    if (yield from _is_finished(config, ask, start)):
        return Rollout((), (), value, start_is_finished=True)
    steps: list[Step] = []
    values: list[float] = []
    while len(steps) < config.roll_forward_steps:
        prefix = start.followed_by(*steps)
        taken = yield from _taken(config, ask, prefix, config.roll_forward_steps - len(steps))
        steps += [step for step, _ in taken]
        values += [value for _, value in taken]
        if not taken or steps[-1].end != End.OPEN:
            break
        if (yield from _is_finished(config, ask, start.followed_by(*steps))):
            break
    return Rollout(tuple(steps), tuple(values), max(values, default=config.low))


def _taken(
    config: RolloutConfig, ask: Asker, prefix: Prefix, num_left: int
) -> Asking[list[tuple[Step, float]]]:
    """The next steps taken and their values.

    Without a choice to make or a critic to ask, all that are left are sampled in one go.
    """
    is_straight = config.roll_branch == 1 and config.self_critic == "none"
    max_steps = num_left if is_straight else 1
    (proposals,) = yield from continuations(
        config, ask, [prefix], num=config.roll_branch, max_steps=max_steps
    )
    if config.roll_policy == "random" and proposals:
        proposals = [ask.choice(proposals, "rollout", len(prefix.steps))]
    values = yield from clipped_values(config, ask, _prefixes(prefix, proposals))
    if len(proposals) <= 1:
        return [
            (step, value) for steps in proposals for step, value in zip(steps, values, strict=True)
        ]
    best = max(range(len(values)), key=values.__getitem__)
    return [(proposals[best][0], values[best])]


def _prefixes(prefix: Prefix, proposals: Sequence[Continuation]) -> list[Prefix]:
    """The prefix followed by the first, the first two, ... steps of each proposal."""
    return [
        prefix.followed_by(*steps[:length])
        for steps in proposals
        for length in range(1, len(steps) + 1)
    ]


def _is_finished(config: RolloutConfig, ask: Asker, prefix: Prefix) -> Asking[bool]:
    if config.self_critic == "none":
        return False
    critique = yield from ask.criticise(prefix)
    return critique.is_finished
