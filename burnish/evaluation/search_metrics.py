"""What searches found and what they cost, as numbers for a table: accuracy against tokens.

Tokens sampled by the policy and tokens read by the value model are both charged, and stand beside
each other, so that a reader may weigh them as he likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from burnish.evaluation.statistics import bootstrap_mean
from burnish.search.asks import End
from burnish.search.best_of_n import SelfConsistencyConfig, WeightedVoteConfig
from burnish.search.expansion import ExpansionConfig
from burnish.search.search import AnyStrategy
from burnish.search.solutions import finished_nodes
from burnish.search.tree import CORRECT, Tree
from burnish.search.voting import weighted_vote
from burnish.training.tree_verdicts import VerifiedTree
from burnish.types import Json


def chosen_node(verified: VerifiedTree, strategy: AnyStrategy) -> int | None:
    """Where the search's answer stands; None where it has none.

    The best node; of a vote the first with the answer that weighs most: by its samples under
    self-consistency, by their values in a weighted vote. Nodes are merged samples, so that of the
    same text each counts. In a tree that was grown step by step each finished node votes once, with
    its value; the best node is the answer where none has one.
    """
    tree = verified.tree
    nodes = [node for node in finished_nodes(tree) if node in verified.scores]
    weights = _weights(tree, nodes, strategy)
    if weights is None:
        return verified.best
    answers = [verified.scores[node].answer for node in nodes]
    winner = weighted_vote(answers, weights)
    if winner is not None:
        return nodes[answers.index(winner)]
    return verified.best if isinstance(strategy, ExpansionConfig) else None


def _weights(tree: Tree, nodes: Sequence[int], strategy: AnyStrategy) -> list[float] | None:
    """What each finished node weighs in a vote; None where there is none."""
    if isinstance(strategy, SelfConsistencyConfig):
        return [float(tree.visits[node]) for node in nodes]
    if isinstance(strategy, WeightedVoteConfig):
        return [tree.visits[node] * tree.values[node] for node in nodes]
    if isinstance(strategy, ExpansionConfig) and strategy.answer_from == "vote":
        return [max(tree.values[node], 0.0) for node in nodes]
    return None


def search_metrics(trees: Sequence[VerifiedTree], strategy: AnyStrategy) -> dict[str, Json]:
    """`accuracy` and `covered` (a right leaf anywhere) with intervals; means of what it cost."""
    chosen = [chosen_node(verified, strategy) for verified in trees]
    right = [float(v.is_correct(node)) for v, node in zip(trees, chosen, strict=True)]
    covered = [float(CORRECT in verified.tree.verified) for verified in trees]
    means = {
        "tokens": [v.tree.spent.tokens for v in trees],
        "sampled_tokens": [v.tree.spent.proposal_tokens for v in trees],
        "value_tokens": [v.tree.spent.value_tokens for v in trees],
        "values": [len(v.tree.known_values) for v in trees],
        "nodes": [len(v.tree) for v in trees],
        "finished": [_is_finished(v, node) for v, node in zip(trees, chosen, strict=True)],
    }
    return {
        "accuracy": bootstrap_mean(right, seed=0).as_json(),
        "covered": bootstrap_mean(covered, seed=0).as_json(),
        **{name: fmean(numbers) for name, numbers in means.items()},
    }


def _is_finished(verified: VerifiedTree, node: int | None) -> bool:
    return node is not None and verified.tree.ends[node] == End.FINAL
