"""What verified trees teach: solutions for the policy, values of steps for the value model.

Token in, token out: both carry the tokens that were sampled. Self-training of ReST-MCTS*
(arXiv:2406.03816, algorithm 1): the policy imitates correct solutions alone, the value model learns
from all that was verified (`infer_values`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.data.step_labels import labels_of_tree
from burnish.search.solutions import Solution, solutions
from burnish.search.tree import Tree
from burnish.search.values import infer_values
from burnish.training.tree_verdicts import PromptOf
from burnish.types import Example, StepLabels


class TraceFilter(Config):
    """Which finished solutions of a tree the policy imitates; all conditions must hold."""

    verdict: Literal["correct", "any"] = "correct"
    """correct: those that a grader found right, as published; any: without a gold answer, too"""
    min_value: float = 0.0
    """least V of the solution's last step (the published filter: 0.2)"""
    min_chars: int = Field(default=0, ge=0)
    """least length of its text (the published filter: 50)"""
    top_k: int | None = Field(default=None, ge=1)
    """most solutions of a problem, those of greatest V; default: no limit"""

    def kept(self, tree: Tree) -> list[Solution]:
        """The solutions of a tree that are imitated, each text once, by falling V."""
        found: dict[str, Solution] = {}
        ranked = sorted(solutions(tree), key=lambda solution: -solution.value)
        for solution in ranked:
            if self._holds(solution):
                found.setdefault(solution.text.strip(), solution)
        return list(found.values())[: self.top_k]

    def _holds(self, solution: Solution) -> bool:
        is_allowed = self.verdict == "any" or solution.is_correct is True
        is_long = len(solution.text) >= self.min_chars
        return is_allowed and is_long and solution.value >= self.min_value


def imitated_traces(
    trees: Sequence[Tree], wanted: TraceFilter, *, prompt_of: PromptOf, eos_id: int
) -> list[Example]:
    """Rows for supervised training: prompt and sampled solution, closed by EOS where it was not.

    Args:
        prompt_of: the prompt's tokens of a tree.
        eos_id: what closes a solution that a marker, not the policy, has ended.
    """
    return [
        _example(tree, solution, prompt_of(tree), eos_id)
        for tree in trees
        for solution in wanted.kept(tree)
    ]


def inferred_labels(trees: Sequence[Tree], *, prompt_of: PromptOf) -> list[StepLabels]:
    """Values of every step on the way to a verified leaf, positives and negatives, each node once.

    A tree without a correct leaf says nothing, as in the published code.
    """
    return [
        labels
        for tree in trees
        for labels in labels_of_tree(
            tree.tree_id,
            prompt_of(tree),
            parents=tree.parents,
            step_ids=[step.token_ids for step in tree.steps],
            values=infer_values(tree).values,
        )
    ]


def _example(tree: Tree, solution: Solution, prompt: tuple[int, ...], eos_id: int) -> Example:
    sampled = tree.prefix(solution.node).token_ids
    target = sampled if sampled[-1:] == (eos_id,) else (*sampled, eos_id)
    is_action = (False,) * len(prompt) + (True,) * len(target)
    return Example(tree.tree_id, prompt + target, is_action)
