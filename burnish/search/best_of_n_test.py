"""Best-of-n and self-consistency."""

import pytest

from burnish.errors import ConfigError
from burnish.search.asks import End
from burnish.search.best_of_n import (
    BestOfNConfig,
    SelfConsistencyConfig,
    WeightedVoteConfig,
    aggregated,
)
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import Book
from burnish.search.search import Search
from burnish.search.solutions import solutions
from burnish.search.tree import ROOT, Tree
from burnish.search.values import nodes_to_verify

BOOK = Book(
    steps={"": ["a", "b", "a", "c~"], "a": ["x."], "b": ["y", "y"], "by": ["z."]},
    values={"a": 0.9, "ax.": 0.3, "b": 0.5, "by": 0.6, "byz.": 0.4, "c~": 0.99},
)


def searched(config: BestOfNConfig | SelfConsistencyConfig | WeightedVoteConfig) -> Tree:
    search = Search(Tree("t", "?", 1), config)
    list(Scheduler(Models(BOOK, BOOK), clock=lambda: 0.0).run([search]))
    return search.tree


@pytest.mark.parametrize(
    ("how", "values", "best"),
    [
        ("last", {"ax.": 0.3, "byz.": 0.4}, "byz."),
        ("min", {"ax.": 0.3, "byz.": 0.4}, "byz."),
        ("mean", {"ax.": 0.6, "byz.": 0.5}, "ax."),
        ("product", {"ax.": 0.27, "byz.": 0.12}, "ax."),
    ],
)
def test_a_solution_is_worth_what_its_steps_say_together(how, values, best):
    config = BestOfNConfig(num_samples=4, aggregate=how)

    tree = searched(config)

    assert {s.text: s.value for s in solutions(tree)} == pytest.approx(values)
    assert tree.prefix(config.best(tree) or 0).text == best


def test_only_what_is_aggregated_is_valued():
    assert searched(BestOfNConfig(num_samples=4, aggregate="last")).spent.value_tokens == 2
    assert searched(BestOfNConfig(num_samples=4, aggregate="min")).spent.value_tokens == 5


def test_a_solution_cut_by_the_token_limit_is_no_answer():
    tree = searched(BestOfNConfig(num_samples=4))

    (cut,) = [node for node in range(len(tree)) if tree.ends[node] == End.CUT]
    assert tree.values[cut] == 0.0
    assert [s.text for s in solutions(tree)] == ["ax.", "byz."]


def test_only_the_ends_of_samples_are_to_be_verified():
    tree = searched(BestOfNConfig(num_samples=4, aggregate="min"))

    assert [tree.prefix(i).text for i in nodes_to_verify(tree, 0.2)] == ["ax.", "byz."]


def test_visits_count_the_samples_that_run_through_a_node():
    tree = searched(SelfConsistencyConfig(num_samples=4))

    assert {s.text: s.visits for s in solutions(tree)} == {"ax.": 2, "byz.": 1}
    for node in range(len(tree)):
        below = sum(tree.visits[child] for child in tree.children[node])
        assert tree.visits[node] == (below or tree.visits[node])
    assert tree.visits[ROOT] == 4
    assert tree.is_expanded[ROOT] == 1
    assert tree.spent.model_calls == 4


def test_samples_are_drawn_in_handfuls_until_there_are_enough():
    tree = searched(SelfConsistencyConfig(num_samples=7, samples_per_round=3))

    assert (tree.num_rounds, tree.visits[ROOT]) == (3, 7)


def test_without_values_the_text_sampled_most_is_the_best():
    config = SelfConsistencyConfig(num_samples=4)

    tree = searched(config)

    assert tree.prefix(config.best(tree) or 0).text == "ax."


def test_values_are_clipped_to_their_range():
    config = BestOfNConfig(num_samples=4, low=0.35, high=0.38)

    assert {s.value for s in solutions(searched(config))} == {0.35, 0.38}


def test_a_weighted_vote_samples_and_pays_as_best_of_n_does():
    asked = {"num_samples": 4, "aggregate": "min"}

    voted, chosen = searched(WeightedVoteConfig(**asked)), searched(BestOfNConfig(**asked))

    assert repr(voted) == repr(chosen)
    assert voted.spent.value_tokens == 5


def test_a_vote_has_no_negative_weights():
    with pytest.raises(ConfigError, match="low"):
        WeightedVoteConfig.from_tree({"low": -1}, source="here")


def test_nothing_has_no_aggregate():
    with pytest.raises(ValueError, match="without values"):
        aggregated([], "min")
