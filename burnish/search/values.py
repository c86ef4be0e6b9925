"""Values of partial solutions inferred from verified trees: what a value model learns.

ReST-MCTS* (arXiv:2406.03816), section 3.1 and appendix; methods.md 3.1 and 3.2.

    v_0 = 0,   v_k = max(v_{k-1} + w_k, 0),   w_k = (1 - v_{k-1}) / (m_k + 1) (1 - 2 r_k)

with m_k the fewest further steps to a correct answer and r_k an error indicator: 0 for a correct
step, 1 for a wrong one (some texts call it a reward; the sign works only this way). On a correct
path of K steps v_k = k / K, and every v is in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from burnish.search.asks import End
from burnish.search.tree import CORRECT, ROOT, UNVERIFIED, WRONG, Tree


@dataclass(frozen=True, slots=True)
class ValueSample:
    """A partial solution and what it is worth.

    Attributes:
        tree_id, question: where it comes from.
        node: its node.
        steps: texts of its steps; they join to the partial solution.
        value: in [0, 1].
        is_positive: whether a correct solution goes through it.
    """

    tree_id: str
    question: str
    node: int
    steps: tuple[str, ...]
    value: float
    is_positive: bool


@dataclass(frozen=True, slots=True)
class InferredValues:
    """One entry a node; None for nodes through which no verified solution goes.

    Attributes:
        distances: d = m + 1. On a path to a correct solution: the fewest steps to its end, plus
            one. On a wrong one: that of the nearest ancestor on a correct path.
        is_positive: the hard estimate.
        values: v.
    """

    distances: tuple[int | None, ...]
    is_positive: tuple[bool | None, ...]
    values: tuple[float | None, ...]


def weighted_reward(previous: float, distance: int, *, is_wrong: bool) -> float:
    """`w = (1 - v) / (m + 1) * (1 - 2 r)`.

    Args:
        previous: v of the prefix without the step, in [0, 1].
        distance: m, the fewest further steps to a correct answer after the step; for a wrong step
            that of the prefix before it.
        is_wrong: r.
    """
    assert 0 <= previous <= 1, previous
    assert distance >= 0, distance
    return (1.0 - previous) / (distance + 1) * (-1.0 if is_wrong else 1.0)


def next_value(previous: float, distance: int, *, is_wrong: bool) -> float:
    """`v_k = max(v_{k-1} + w_k, 0)`; at most 1 by construction."""
    return max(previous + weighted_reward(previous, distance, is_wrong=is_wrong), 0.0)


def correct_path_values(num_steps: int) -> tuple[float, ...]:
    """v after each step of a correct solution of K steps: `k / K` (D_V0, first recipe)."""
    return tuple(k / num_steps for k in range(1, num_steps + 1))


def wrong_step_value(num_correct: int, num_steps: int) -> float:
    """v after a wrong step that follows the first k steps of a correct solution of K steps.

        max(0, k / K - ((K - k) / K) / (K - k + 1))

    Args:
        num_correct: k, below K.
        num_steps: K.
    """
    assert 0 <= num_correct < num_steps, (num_correct, num_steps)
    return next_value(num_correct / num_steps, num_steps - num_correct, is_wrong=True)


def nodes_to_verify(tree: Tree, end_gate: float) -> list[int]:
    """The end leaves, whose answers are to be compared with the gold answer (`Tree.verify`).

    Those that were not expanded and are finished, or worth `end_gate` or more. A step cut by the
    token limit and a node without acceptable proposals are neither right nor wrong. (The published
    code also verifies the latter.)
    """
    return [
        node
        for node in range(ROOT + 1, len(tree))
        if not tree.is_expanded[node]
        and (
            tree.ends[node] == End.FINAL
            or (tree.ends[node] in (End.OPEN, End.DEEP) and tree.values[node] >= end_gate)
        )
    ]


def infer_values(tree: Tree) -> InferredValues:
    """v, d and hard estimate of every node, from the verdicts on the end leaves.

    A tree without a correct leaf yields None throughout; so does one without verdicts.
    """
    to_correct = _distances_to_correct(tree)
    if to_correct[ROOT] is None:
        nothing = (None,) * len(tree)
        return InferredValues(nothing, nothing, nothing)
    on_wrong_path = _above(tree, WRONG)
    distances: list[int | None] = []
    values: list[float | None] = []
    for node, distance in enumerate(to_correct):
        is_wrong = distance is None
        if is_wrong and on_wrong_path[node]:
            distance = distances[tree.parents[node]]
        distances.append(distance)
        if node == ROOT or distance is None:
            values.append(0.0 if node == ROOT else None)
            continue
        previous = values[tree.parents[node]]
        assert previous is not None, "a node on a verified path has its parent on it"
        values.append(next_value(previous, distance - 1, is_wrong=is_wrong))
    positive = [
        None if distance is None else to_correct[node] is not None
        for node, distance in enumerate(distances)
    ]
    return InferredValues(tuple(distances), tuple(positive), tuple(values))


def value_samples(tree: Tree) -> list[ValueSample]:
    """A sample, positive or negative, for each node below the root that has an inferred value."""
    inferred = infer_values(tree)
    return _samples(tree, inferred.values, _above(tree, CORRECT))


def hard_label_samples(tree: Tree) -> list[ValueSample]:
    """0 or 1 for each node above a verified leaf: whether one of those below it is correct.

    The published code's labels for a step classifier; Math-Shepherd's hard estimate
    (arXiv:2312.08935). Trees without a correct leaf give zeros.
    """
    is_positive, is_negative = _above(tree, CORRECT), _above(tree, WRONG)
    labels = [
        float(right) if right or wrong else None
        for right, wrong in zip(is_positive, is_negative, strict=True)
    ]
    return _samples(tree, labels, is_positive)


def soft_label_samples(tree: Tree) -> list[ValueSample]:
    """The share of verified samples through each node that are correct, in [0, 1].

    Math-Shepherd's soft estimate. Leaves count by `visits`, the number of samples in a tree of
    whole solutions (best-of-n, self-consistency), at least once.
    """
    right, all_ = [0] * len(tree), [0] * len(tree)
    for node in reversed(range(len(tree))):
        if tree.verified[node] != UNVERIFIED:
            weight = max(tree.visits[node], 1)
            all_[node] += weight
            right[node] += weight if tree.verified[node] == CORRECT else 0
        if node != ROOT:
            right[tree.parents[node]] += right[node]
            all_[tree.parents[node]] += all_[node]
    shares = [r / n if n else None for r, n in zip(right, all_, strict=True)]
    return _samples(tree, shares, [r > 0 for r in right])


def _distances_to_correct(tree: Tree) -> list[int | None]:
    """d of each node on a path to a correct leaf (whose own is 1); None elsewhere."""
    distances: list[int | None] = [1 if verdict == CORRECT else None for verdict in tree.verified]
    for node in reversed(range(ROOT + 1, len(tree))):
        below, parent = distances[node], tree.parents[node]
        if below is not None:
            own = distances[parent]
            distances[parent] = below + 1 if own is None else min(own, below + 1)
    return distances


def _above(tree: Tree, verdict: int) -> list[bool]:
    """Whether a leaf with this verdict is the node or below it."""
    found = [verified == verdict for verified in tree.verified]
    for node in reversed(range(ROOT + 1, len(tree))):
        found[tree.parents[node]] |= found[node]
    return found


def _samples(
    tree: Tree, values: Sequence[float | None], is_positive: Sequence[bool]
) -> list[ValueSample]:
    return [
        ValueSample(
            tree.tree_id,
            tree.question,
            node,
            tuple(tree.steps[i].text for i in tree.path(node)),
            value,
            is_positive[node],
        )
        for node, value in enumerate(values)
        if node != ROOT and value is not None
    ]
