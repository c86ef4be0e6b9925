"""The leaves of trees compared with the gold answers: what values are inferred from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from burnish.graders.failures import require_graded
from burnish.graders.grader import Grader
from burnish.search.asks import End
from burnish.search.expansion import ExpansionConfig
from burnish.search.search import AnyStrategy
from burnish.search.solutions import solution_at
from burnish.search.tree import UNVERIFIED, Tree
from burnish.search.values import nodes_to_verify
from burnish.types import Completion, Problem, Score, StopReason

PromptOf = Callable[[Tree], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class VerifiedTree:
    """A tree with what the grader said of its solutions.

    Attributes:
        tree: its end leaves are marked as right or wrong.
        best: the node that the search gives as its answer; None where nothing was proposed.
        scores: by node, of the end leaves and of `best`; what failed to be graded is missing.
    """

    tree: Tree
    best: int | None
    scores: Mapping[int, Score]

    def is_correct(self, node: int | None) -> bool:
        """Whether the solution at the node was found right; what was not graded is not."""
        return node is not None and node in self.scores and self.scores[node].is_correct


def verify_trees(
    problems: Mapping[str, Problem],
    trees: Sequence[Tree],
    strategy: AnyStrategy,
    *,
    grader: Grader,
    prompt_of: PromptOf,
    max_failure_share: float,
) -> list[VerifiedTree]:
    """Grade the end leaves of all trees in one go, and mark them; earlier marks are forgotten.

    A tree that may still grow is verified anew each time: what was a leaf may be none any more.

    Args:
        problems: by id, with their gold answers.
        prompt_of: the prompt's tokens of a tree.

    Raises GraderError where too much could not be graded.
    """
    gate = strategy.end_gate if isinstance(strategy, ExpansionConfig) else math.inf
    leaves = [nodes_to_verify(tree, gate) for tree in trees]
    bests = [strategy.best(tree) for tree in trees]
    asked = [
        sorted({*nodes, best} if best is not None else nodes)
        for nodes, best in zip(leaves, bests, strict=True)
    ]
    pairs = [
        (problems[tree.tree_id], completion_at(tree, node, prompt_of(tree)))
        for tree, nodes in zip(trees, asked, strict=True)
        for node in nodes
    ]
    found = grader.grade(pairs)
    require_graded(found, max_share=max_failure_share)
    verdicts = iter(found)
    verified: list[VerifiedTree] = []
    for tree, nodes, ends, best in zip(trees, asked, leaves, bests, strict=True):
        scores = {node: verdict for node in nodes if isinstance(verdict := next(verdicts), Score)}
        _mark(tree, {node: scores[node] for node in ends if node in scores})
        verified.append(VerifiedTree(tree, best, scores))
    return verified


def completion_at(tree: Tree, node: int, prompt_ids: tuple[int, ...]) -> Completion:
    """The partial solution at a node as if it had been sampled in one go, for a grader."""
    token_ids = tree.prefix(node).token_ids
    reasons = {End.FINAL: StopReason.EOS, End.CUT: StopReason.LENGTH}
    zeros = (0.0,) * len(token_ids)
    return Completion(
        prompt_ids=prompt_ids,
        token_ids=token_ids,
        logp=zeros,
        sampler_logp=zeros,
        text=solution_at(tree, node).text,
        stop_reason=reasons.get(End(tree.ends[node]), StopReason.STOP_STRING),
    )


def _mark(tree: Tree, scores: Mapping[int, Score]) -> None:
    for node in range(len(tree)):
        tree.verified[node] = UNVERIFIED
    for node, score in scores.items():
        tree.verify(node, is_correct=score.is_correct)
