"""From what is known of a step to a number from 0 (wrong, hopeless) to 1.

Rollouts (Math-Shepherd, arXiv:2312.08935): complete the solution several times from the step.

    hard   v = 1 if any completion reaches the right answer, else 0
    soft   v = the share that does

People (PRM800K, arXiv:2305.20050) rate a step 1 (right), 0 (neutral) or -1 (wrong). Search trees
come with their values (ReST-MCTS*, arXiv:2406.03816); each node is learnt once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from burnish.types import StepLabels, SteppedTokens

OutcomeLabel: TypeAlias = Literal["hard", "soft"]
NeutralLabel: TypeAlias = Literal["right", "wrong", "left_out"]


def value_of_outcomes(outcomes: Sequence[bool], label: OutcomeLabel) -> float | None:
    """The label of a step from the outcomes of its completions; None where there are none."""
    if not outcomes:
        return None
    return float(any(outcomes)) if label == "hard" else sum(outcomes) / len(outcomes)


def value_of_rating(rating: Literal[-1, 0, 1], neutral: NeutralLabel) -> float | None:
    """The label of a step that a person rated; None for a neutral one that is left out."""
    if rating != 0:
        return float(rating == 1)
    return {"right": 1.0, "wrong": 0.0, "left_out": None}[neutral]


def labels_of_tree(
    problem_id: str,
    prompt_ids: tuple[int, ...],
    *,
    parents: Sequence[int],
    step_ids: Sequence[tuple[int, ...]],
    values: Sequence[float | None],
) -> list[StepLabels]:
    """A search tree as solutions, one for each leaf, in which every node has its value once.

    A node that several leaves share is labelled in the first of them; in the others it is read and
    not learnt again. Paths that would label nothing are left out.

    Args:
        problem_id, prompt_ids: the question.
        parents: of N nodes, each before its children; node 0 is the root, its parent is -1.
        step_ids: N times the tokens of the last step; those of the root are not read.
        values: N labels from 0 to 1; None for a node without one. That of the root is not read.

    Raises ValueError where a value is outside of 0 to 1, or the columns differ in length.
    """
    if not len(parents) == len(step_ids) == len(values):
        raise ValueError(f"{len(parents)} parents, {len(step_ids)} steps and {len(values)} values")
    wrong = [value for value in values[1:] if value is not None and not 0.0 <= value <= 1.0]
    if wrong:
        raise ValueError(f"the value {wrong[0]} of a node does not lie between 0 and 1")
    inner = set(parents)
    told: set[int] = set()
    found: list[StepLabels] = []
    for leaf in (node for node in range(1, len(parents)) if node not in inner):
        path = _path(parents, leaf)
        labels = tuple(values[node] if node not in told else None for node in path)
        told.update(path)
        if any(label is not None for label in labels):
            steps = tuple(step_ids[node] for node in path)
            found.append(StepLabels(SteppedTokens(problem_id, prompt_ids, steps), labels))
    return found


def _path(parents: Sequence[int], node: int) -> list[int]:
    """From the child of the root to the node."""
    path: list[int] = []
    while node > 0:
        path.append(node)
        node = parents[node]
    return path[::-1]
