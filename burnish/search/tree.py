"""A search tree as columns: node i is entry i of each, the root is node 0, parents come first.

Besides its nodes a tree holds what its search has to remember between two asks (rounds done, the
nodes to go on with, answers of the round under way, the bill), so that a tree written to a file is
a search stopped, and a tree read from it is that search continued.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from burnish.search.asks import Critique, End, Prefix, Reply, Step
from burnish.search.budget import Spent

ROOT = 0
UNVERIFIED, WRONG, CORRECT = -1, 0, 1


_integers = partial(array, "i")
_small_integers = partial(array, "b")
_floats = partial(array, "d")


@dataclass(slots=True)
class Tree:
    """The partial solutions of one question. Made with the root alone; `add` makes the others.

    Attributes:
        tree_id: unique in a run; stable between runs.
        question: its text.
        seed: the run's seed; with `tree_id` and a place it gives every seed of the search.
        parents: node ids, smaller than the node's own; -1 for the root.
        depths: number of steps.
        steps: the last step of each; empty at the root.
        ends: an `End` each.
        values: V: blended and backed up as the search does.
        model_values: what the value model said about the prefix; nan where it was not asked.
        visits: n of MCTS*; in other searches how many samples run through the node.
        is_expanded: 1 where the search asked for its children.
        verified: 1 for a correct solution, 0 for a wrong one, -1 where no gold answer was compared.
        children: node ids, in order; derived from `parents`.
        num_rounds: rounds of the search that are finished.
        num_requests: proposal requests made in them; the next one's place in the search.
        agenda: nodes that a search which keeps a frontier goes on with.
        solution: the node at which the search ended early; -1 where it did not.
        spent: the bill so far.
        known_values, known_critiques: answers by `prefix_key`, so that no prefix is asked twice.
        replies: answers received in the round under way, in order.
    """

    tree_id: str
    question: str
    seed: int
    parents: array[int] = field(default_factory=_integers)
    depths: array[int] = field(default_factory=_integers)
    steps: list[Step] = field(default_factory=list)
    ends: array[int] = field(default_factory=_small_integers)
    values: array[float] = field(default_factory=_floats)
    model_values: array[float] = field(default_factory=_floats)
    visits: array[int] = field(default_factory=_integers)
    is_expanded: array[int] = field(default_factory=_small_integers)
    verified: array[int] = field(default_factory=_small_integers)
    children: list[list[int]] = field(default_factory=list)
    num_rounds: int = 0
    num_requests: int = 0
    agenda: list[int] = field(default_factory=lambda: [ROOT])
    solution: int = -1
    spent: Spent = field(default_factory=Spent)
    known_values: dict[str, float] = field(default_factory=dict)
    known_critiques: dict[str, Critique] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the root."""
        if not self.steps:
            self.append(-1, Step("", 0))

    def __len__(self) -> int:
        """The number of nodes, the root included."""
        return len(self.parents)

    def add(self, parent: int, step: Step, value: float = math.nan) -> int:
        """The child of `parent` by `step`: a new node, or the one with the same words and end.

        Args:
            parent: its node id.
            step: what follows.
            value: what the value model said; nan where it was not asked, and V is then 0.
        """
        wanted = merge_key(step)
        for child in self.children[parent]:
            if merge_key(self.steps[child]) == wanted:
                return child
        return self.append(parent, step, value)

    def path(self, node: int) -> list[int]:
        """Node ids from the root's child down to `node`; empty for the root."""
        ids: list[int] = []
        while node != ROOT:
            ids.append(node)
            node = self.parents[node]
        return ids[::-1]

    def prefix(self, node: int) -> Prefix:
        """The partial solution at `node`."""
        steps = tuple(self.steps[i] for i in self.path(node))
        return Prefix(self.tree_id, self.question, node, steps)

    def is_open(self, node: int) -> bool:
        """Whether further steps may follow."""
        return self.ends[node] == End.OPEN

    def mark(self, node: int, end: End) -> None:
        """Set why the node is not continued."""
        self.ends[node] = end

    def verify(self, node: int, *, is_correct: bool) -> None:
        """Record the comparison of the solution at `node` with the gold answer."""
        self.verified[node] = CORRECT if is_correct else WRONG

    def visit(self, nodes: Iterable[int]) -> None:
        """Count one more visit of each."""
        for node in nodes:
            self.visits[node] += 1

    def append(self, parent: int, step: Step, value: float = math.nan) -> int:
        """A new child of `parent`, even where there is one like it (`add` merges these)."""
        node = len(self.parents)
        self.parents.append(parent)
        self.depths.append(self.depths[parent] + 1 if node else 0)
        self.steps.append(step)
        self.ends.append(step.end)
        self.values.append(0.0 if math.isnan(value) else value)
        self.model_values.append(value)
        self.visits.append(0)
        self.is_expanded.append(0)
        self.verified.append(UNVERIFIED)
        self.children.append([])
        if node:
            self.children[parent].append(node)
        return node


def merge_key(step: Step) -> tuple[str, End]:
    """Proposals that agree in it are one child: the same words, and the same kind of end."""
    return step.text.strip(), step.end


def prefix_key(steps: Iterable[Step]) -> str:
    """A short name for a path of steps, by their texts."""
    texts = "\x1f".join(step.text for step in steps)
    return hashlib.blake2b(texts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
