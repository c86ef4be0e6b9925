"""The next steps of partial solutions: proposed, checked, merged and valued.

What MCTS* and Tree of Thoughts share (methods.md 3.3, EXPAND). A proposal is rejected when it is
empty, too short or a repetition, and asked for again with another seed. Where we differ from the
published code: a repetition is a step that equals an earlier one, not one that is contained in the
text before it (`repeats: contained` is theirs, and refuses short steps that are right); a step at
which the policy ends its answer is never refused; a step cut by the token limit is worth `low`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.search.asker import Asker
from burnish.search.asks import Asking, Continuation, End, Prefix, Step
from burnish.search.solutions import best_finished, best_node
from burnish.search.tree import ROOT, Tree, merge_key


class ExpansionConfig(Config):
    """How a node gets its children, and when a solution counts as found."""

    branch: int = Field(default=3, ge=1)
    """b: next steps proposed for a node (published: 3); equal ones become one child"""
    max_depth: int = Field(default=8, ge=1)
    """most steps of a solution (Tree of Thoughts: 8)"""
    end_gate: float = 0.9
    """value from which a partial solution counts as solved (published: 0.9; for data 0.8)"""
    gate: Literal["any", "finished"] = "any"
    """what the gate opens for: any partial solution, as published, or a finished one only"""
    num_tries: int = Field(default=3, ge=1)
    """how often missing proposals are asked for (published: 3)"""
    min_chars: int = Field(default=2, ge=1)
    """characters below which a step is rejected (published: 2 to 4, by language)"""
    repeats: Literal["equal", "contained", "allowed"] = "equal"
    """which repetitions are rejected: a step equal to an earlier one, text contained in the prefix
    (published), or none"""
    duplicates: Literal["merged", "asked_again"] = "merged"
    """equal proposals: merged into one child, so that fewer than b remain (published), or rejected
    and asked for again"""
    end_markers: tuple[str, ...] = ("answer is", "\\boxed")
    """texts, in any case, that finish a solution when a step contains one (published)"""
    low: float = 0.0
    """smallest value; others are clipped"""
    high: float = 1.0
    """largest value; others are clipped"""
    answer_from: Literal["finished", "any", "vote"] = "finished"
    """where the best solution is taken from when none passed the gate: finished ones where there
    are any; all nodes (published, where another model call extracts an answer); or, passed or not,
    the finished ones whose answer has the greatest sum of values, where answers can be told"""

    def is_found(self, tree: Tree, node: int) -> bool:
        """Whether the node passes the gate."""
        is_allowed = self.gate == "any" or tree.ends[node] == End.FINAL
        return node != ROOT and is_allowed and tree.values[node] >= self.end_gate

    def best(self, tree: Tree) -> int | None:
        """The node that passed the gate, else that of greatest V; None in an empty tree."""
        chosen = None if self.answer_from == "any" else best_finished(tree)
        return best_node(tree) if chosen is None else chosen


def continuations(
    config: ExpansionConfig,
    ask: Asker,
    prefixes: Sequence[Prefix],
    *,
    num: int,
    max_steps: int = 1,
) -> Asking[list[list[Continuation]]]:
    """Up to `num` acceptable continuations of each prefix, without duplicates."""
    found: list[list[Continuation]] = [[] for _ in prefixes]
    for _ in range(config.num_tries):
        short = [i for i, accepted in enumerate(found) if len(accepted) < num]
        wanted = [(prefixes[i], num - len(found[i])) for i in short]
        answers = yield from ask.propose(wanted, max_steps=max_steps)
        for i, proposals in zip(short, answers, strict=True):
            accepted = (_accepted(config, prefixes[i], proposal) for proposal in proposals)
            found[i] += [steps for steps in accepted if steps]
            if config.duplicates == "asked_again":
                found[i] = _distinct(found[i])
    return [_distinct(accepted) for accepted in found]


def next_steps(
    config: ExpansionConfig, ask: Asker, prefixes: Sequence[Prefix]
) -> Asking[list[list[tuple[Step, float]]]]:
    """The b next steps of each prefix with their values, all valued in one ask."""
    proposed = yield from continuations(config, ask, prefixes, num=config.branch)
    steps = [[steps[0] for steps in accepted] for accepted in proposed]
    longer = [
        prefix.followed_by(step)
        for prefix, nexts in zip(prefixes, steps, strict=True)
        for step in nexts
    ]
    values = iter((yield from clipped_values(config, ask, longer)))
    return [[(step, next(values)) for step in nexts] for nexts in steps]


def clipped_values(
    config: ExpansionConfig, ask: Asker, prefixes: Sequence[Prefix]
) -> Asking[list[float]]:
    """Values in [low, high]. One that ends in a cut step is worth `low` and not asked for."""
    whole = [prefix for prefix in prefixes if prefix.steps[-1].end != End.CUT]
    answers = iter((yield from ask.value(whole)))
    return [
        config.low
        if prefix.steps[-1].end == End.CUT
        else min(max(next(answers), config.low), config.high)
        for prefix in prefixes
    ]


def grow(
    config: ExpansionConfig, tree: Tree, node: int, steps: Sequence[tuple[Step, float]]
) -> list[int]:
    """Add the valued steps as children; without any the node is stuck. Returns their ids."""
    if not steps:
        tree.mark(node, End.STUCK)
        return []
    tree.is_expanded[node] = 1
    return [add_step(config, tree, node, step, value) for step, value in steps]


def add_step(config: ExpansionConfig, tree: Tree, node: int, step: Step, value: float) -> int:
    """One child, marked where it is as deep as the search goes."""
    child = tree.add(node, step, value)
    if tree.is_open(child) and tree.depths[child] >= config.max_depth:
        tree.mark(child, End.DEEP)
    return child


def _accepted(config: ExpansionConfig, prefix: Prefix, proposal: Continuation) -> Continuation:
    """The steps of a proposal before the first unacceptable one; empty where that is the first."""
    accepted: list[Step] = []
    for proposed in proposal:
        step = _ended_by_marker(config, proposed)
        if step.end != End.FINAL and _is_refused(config, prefix.followed_by(*accepted), step):
            break
        accepted.append(step)
        if step.end != End.OPEN:
            break
    return tuple(accepted)


def _ended_by_marker(config: ExpansionConfig, step: Step) -> Step:
    text = step.text.lower()
    is_final = step.end == End.OPEN and any(m.lower() in text for m in config.end_markers)
    return dataclasses.replace(step, end=End.FINAL) if is_final else step


def _is_refused(config: ExpansionConfig, prefix: Prefix, step: Step) -> bool:
    words = step.text.strip()
    if len(words) < config.min_chars:
        return True
    if config.repeats == "equal":
        return any(words == earlier.text.strip() for earlier in prefix.steps)
    return config.repeats == "contained" and words in prefix.text


def _distinct(proposals: Sequence[Continuation]) -> list[Continuation]:
    """The first of each kind, in order."""
    by_key: dict[tuple[tuple[str, End], ...], Continuation] = {}
    for steps in proposals:
        by_key.setdefault(tuple(map(merge_key, steps)), steps)
    return list(by_key.values())
