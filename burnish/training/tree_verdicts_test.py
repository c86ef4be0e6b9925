from __future__ import annotations

import pytest

from burnish.errors import GraderError
from burnish.graders.config import default_grader_config
from burnish.search.asks import End, Step
from burnish.search.best_of_n import SelfConsistencyConfig
from burnish.search.mcts import MctsConfig
from burnish.search.tree import CORRECT, UNVERIFIED, WRONG, Tree
from burnish.training.tree_verdicts import completion_at, verify_trees
from burnish.types import Problem, StopReason

PROBLEM = Problem("p", "12 - 5 = ?", "7")
GRADER = default_grader_config("numeric").build()


def grown() -> Tree:
    """A right and a wrong leaf, an open one that is worth much, and a cut one."""
    tree = Tree("p", PROBLEM.question, 1)
    first = tree.add(0, Step("12 - 5 = 7\n", 3, (10, 11)), 0.6)
    tree.is_expanded[0] = tree.is_expanded[first] = 1
    tree.add(first, Step("Therefore, the answer is: 7", 2, (12, 1), End.FINAL), 0.8)
    tree.add(first, Step("Therefore, the answer is: 8", 2, (13, 1), End.FINAL), 0.3)
    tree.add(0, Step("Therefore, the answer is: 7", 1, (14,)), 0.95)
    tree.add(0, Step("Hm", 1, (15,), End.CUT), 0.0)
    return tree


def verified(tree: Tree, strategy, *, grader=GRADER, problem: Problem = PROBLEM):
    (found,) = verify_trees(
        {"p": problem},
        [tree],
        strategy,
        grader=grader,
        prompt_of=lambda _: (5, 6),
        max_failure_share=0.1,
    )
    return found


def test_end_leaves_are_marked_and_the_best_node_is_graded():
    tree = grown()
    found = verified(tree, MctsConfig(end_gate=0.9))
    assert list(tree.verified) == [UNVERIFIED, UNVERIFIED, CORRECT, WRONG, CORRECT, UNVERIFIED]
    assert found.best == 2
    assert set(found.scores) == {2, 3, 4}
    assert found.is_correct(2)
    assert not found.is_correct(3)
    assert not found.is_correct(None)


def test_without_a_gate_only_finished_leaves_are_marked():
    tree = grown()
    verified(tree, SelfConsistencyConfig())
    assert list(tree.verified)[2:] == [CORRECT, WRONG, UNVERIFIED, UNVERIFIED]


def test_marks_of_what_is_no_leaf_any_more_are_forgotten():
    tree = grown()
    verified(tree, MctsConfig(end_gate=0.9))
    tree.is_expanded[4] = 1
    tree.add(4, Step("\nTherefore, the answer is: 9", 1, (16, 1), End.FINAL), 0.1)
    verified(tree, MctsConfig(end_gate=0.9))
    assert tree.verified[4] == UNVERIFIED
    assert tree.verified[6] == WRONG


def test_a_best_node_that_is_no_end_leaf_is_graded_and_not_marked():
    tree = Tree("p", PROBLEM.question, 1)
    tree.add(0, Step("Therefore, the answer is: 7", 1, (14,)), 0.5)
    found = verified(tree, MctsConfig(end_gate=0.9))
    assert found.is_correct(1)
    assert tree.verified[1] == UNVERIFIED


def test_nothing_proposed_is_nothing_graded():
    found = verified(Tree("p", PROBLEM.question, 1), MctsConfig())
    assert found.best is None
    assert not found.scores


def test_a_solution_reads_as_if_it_had_been_sampled_at_once():
    tree = grown()
    found = completion_at(tree, 2, (5, 6))
    assert found.prompt_ids == (5, 6)
    assert found.token_ids == (10, 11, 12, 1)
    assert found.text == "12 - 5 = 7\nTherefore, the answer is: 7"
    reasons = [completion_at(tree, node, ()).stop_reason for node in (2, 4, 5)]
    assert reasons == [StopReason.EOS, StopReason.STOP_STRING, StopReason.LENGTH]


def test_a_grader_that_fails_too_often_is_an_error():
    with pytest.raises(GraderError, match="could not be graded"):
        verified(grown(), MctsConfig(), problem=Problem("p", "?", None))
