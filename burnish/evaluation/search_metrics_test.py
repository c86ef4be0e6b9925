from __future__ import annotations

from typing import Any

import pytest

from burnish.evaluation.search_metrics import chosen_node, search_metrics
from burnish.search.asks import End, Step
from burnish.search.beam import BeamConfig
from burnish.search.best_of_n import SelfConsistencyConfig, WeightedVoteConfig
from burnish.search.budget import Spent
from burnish.search.tree import Tree
from burnish.training.tree_verdicts import VerifiedTree
from burnish.types import Score

VOTE, BEAM = SelfConsistencyConfig(), BeamConfig()


def verified(*answers: tuple[str | None, int, float], gold: str = "7") -> VerifiedTree:
    """A finished solution a triple of answer, visits and value."""
    tree = Tree("p", "?", 1)
    scores = {}
    for number, (answer, visits, value) in enumerate(answers):
        node = tree.add(0, Step(f"{number}: {answer}", 2, (), End.FINAL), value)
        tree.visits[node] = visits
        tree.verify(node, is_correct=answer == gold)
        scores[node] = Score(float(answer == gold), answer == gold, answer)
    return VerifiedTree(tree, BEAM.best(tree), scores)


def test_the_best_node_is_chosen_by_value_and_a_vote_by_samples():
    found = verified(("8", 1, 0.9), ("7", 2, 0.2), (None, 9, 0.1), ("7", 1, 0.3))
    assert chosen_node(found, BEAM) == 1
    assert chosen_node(found, VOTE) == 2


def test_a_weighted_vote_adds_up_the_values_of_all_samples_with_an_answer():
    weighted = WeightedVoteConfig()
    assert chosen_node(verified(("8", 1, 0.9), ("7", 2, 0.4), ("7", 1, 0.3)), weighted) == 2
    assert chosen_node(verified(("8", 1, 0.9), ("7", 2, 0.2), ("7", 1, 0.3)), weighted) == 1
    assert chosen_node(verified((None, 1, 0.9), ("7", 1, 0.0)), weighted) == 2


def test_the_finished_nodes_of_a_grown_tree_may_vote_with_their_values():
    voting = BeamConfig(answer_from="vote")
    found = verified(("8", 9, 0.6), ("7", 1, 0.4), ("7", 1, 0.3), (None, 1, 0.95))
    assert chosen_node(found, voting) == 2
    assert chosen_node(found, BEAM) == 4
    assert chosen_node(verified((None, 3, 0.5)), voting) == 1
    assert chosen_node(verified(), voting) is None


def test_a_vote_without_answers_chooses_nothing():
    assert chosen_node(verified((None, 3, 0.5)), VOTE) is None
    assert chosen_node(verified(), BEAM) is None


def test_metrics_are_means_over_trees():
    right = verified(("8", 1, 0.9), ("7", 2, 0.2), ("7", 1, 0.3))
    right.tree.spent = Spent(proposal_tokens=30, value_tokens=12)
    right.tree.known_values.update(a=0.1, b=0.2, c=0.3)
    nothing = verified()
    nothing.tree.spent = Spent(proposal_tokens=10, value_tokens=0)
    found: dict[str, Any] = {**search_metrics([right, nothing], VOTE)}
    assert found["accuracy"]["value"] == 0.5
    assert found["covered"]["value"] == 0.5
    assert found["accuracy"]["n"] == 2
    costs = {name: found[name] for name in ("tokens", "sampled_tokens", "value_tokens", "values")}
    assert costs == {"tokens": 26, "sampled_tokens": 20, "value_tokens": 6, "values": 1.5}
    assert found["nodes"] == pytest.approx(2.5)
    assert found["finished"] == 0.5
    by_value: dict[str, Any] = {**search_metrics([right, nothing], BEAM)}
    assert by_value["accuracy"]["value"] == 0.0
    assert by_value["covered"]["value"] == 0.5
