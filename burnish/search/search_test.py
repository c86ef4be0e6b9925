"""A search stopped anywhere and continued is the search that was never stopped."""

from __future__ import annotations

import math

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.errors import CheckpointError, EngineError
from burnish.search.asks import (
    Ask,
    Criticise,
    Criticised,
    Propose,
    Proposed,
    Reply,
    Step,
    Valuation,
    Value,
    Valued,
)
from burnish.search.beam import BeamConfig
from burnish.search.best_of_n import BestOfNConfig, SelfConsistencyConfig, WeightedVoteConfig
from burnish.search.budget import Budget
from burnish.search.depth_first import DepthFirstConfig
from burnish.search.mcts import MctsConfig
from burnish.search.scripted import SumWorld
from burnish.search.search import AnyStrategy, Search, Strategy
from burnish.search.tree import Tree
from burnish.search.tree_file import read_trees, write_trees

STRATEGIES = [
    MctsConfig(iteration_limit=8),
    MctsConfig.for_data().model_copy(update={"iteration_limit": 8, "rolled_steps": "kept"}),
    MctsConfig(iteration_limit=6, self_critic="ask", roll_branch=2),
    BeamConfig(),
    DepthFirstConfig(end_gate=2.0, max_expansions=9),
    BestOfNConfig(num_samples=7, samples_per_round=3, aggregate="min"),
    SelfConsistencyConfig(num_samples=5, samples_per_round=2),
    WeightedVoteConfig(num_samples=5, samples_per_round=2, aggregate="mean"),
]


def reply_to(ask: Ask, world: SumWorld) -> Reply:
    match ask:
        case Propose(requests):
            return Proposed(tuple(tuple(steps) for steps in world.propose(requests)))
        case Value(prefixes):
            return Valued(tuple(world.value(prefixes)))
        case Criticise(prefixes):
            return Criticised(tuple(world.criticise(prefixes)))


def run(search: Search, num_replies: int | None = None) -> list[Ask]:
    """Answer until it is over, or so many times; returns what was asked."""
    asked: list[Ask] = []
    while search.pending is not None and (num_replies is None or len(asked) < num_replies):
        asked.append(search.pending)
        search.answer(reply_to(search.pending, SumWorld()))
    return asked


@settings(max_examples=40, deadline=None)
@given(
    strategy=st.sampled_from(STRATEGIES),
    stops=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    goal=st.integers(3, 20),
)
def test_stopped_and_continued_equals_never_stopped(
    tmp_path_factory: pytest.TempPathFactory, strategy: Strategy, stops: list[int], goal: int
):
    path = tmp_path_factory.mktemp("stopped") / "one.trees"
    whole = Search(Tree("t", str(goal), 5), strategy)
    asked_without_stop = run(whole)

    tree, asked = Tree("t", str(goal), 5), []
    for num_replies in stops:
        search = Search(tree, strategy)
        asked += run(search, num_replies)
        write_trees(path, [search.tree])
        (tree,) = read_trees(path)
    last = Search(tree, strategy)
    asked += run(last)

    assert asked == asked_without_stop
    assert repr(last.tree) == repr(whole.tree)


def test_a_stop_within_a_round_keeps_its_replies_and_changes_nothing_else():
    search = Search(Tree("t", "9", 1), MctsConfig())

    run(search, 3)

    assert [type(reply) for reply in search.tree.replies] == [Proposed, Valued, Proposed]
    assert (len(search.tree), search.tree.num_rounds, search.tree.num_requests) == (1, 0, 0)
    assert search.tree.spent.proposal_tokens > 0


def test_a_round_under_way_is_finished_though_the_budget_is_spent():
    first = Search(Tree("t", "9", 1), MctsConfig())
    run(first, 2)

    second = Search(first.tree, MctsConfig(), Budget(tokens=1))
    run(second)

    assert second.is_over
    assert (second.tree.num_rounds, second.tree.replies) == (1, [])


def test_a_larger_budget_continues_a_search_that_ended():
    small, large = Budget(model_calls=15), Budget(model_calls=60)
    strategy = MctsConfig(end_gate=2.0, iteration_limit=1000)
    whole = Search(Tree("t", "20", 1), strategy, large)
    run(whole)

    first = Search(Tree("t", "20", 1), strategy, small)
    run(first)
    assert first.is_over
    second = Search(first.tree, strategy, large)
    run(second)

    assert repr(second.tree) == repr(whole.tree)


def test_a_round_of_other_settings_is_not_continued():
    search = Search(Tree("t", "9", 1), MctsConfig(branch=2))
    run(search, 1)

    with pytest.raises(CheckpointError, match="stopped within a round of other settings"):
        Search(search.tree, MctsConfig(branch=3))


def test_a_round_is_not_continued_by_a_search_that_is_over_before():
    search = Search(Tree("t", "9", 1), MctsConfig())
    run(search, 3)

    with pytest.raises(CheckpointError, match="other settings"):
        Search(search.tree, SelfConsistencyConfig())


@pytest.mark.parametrize(
    ("num_before", "reply", "message"),
    [
        (0, Valued(()), "Valued does not answer Propose"),
        (0, Proposed(()), "the proposer gave 0 answers to 1 requests"),
        (0, Proposed((((Step("ab", 1),),),)), "the proposer gave 1 answers to 3 requests"),
        (0, Proposed((((),) * 3,)), "continuation of 0 steps; between 1 and 1"),
        (0, Proposed((((Step("ab", 1),) * 2,) * 3,)), "continuation of 2 steps"),
        (1, Valued((Valuation(0.1),) * 9), "the value model gave 9 answers to 3"),
        (1, Valued((Valuation(math.nan),) * 3), "the value model answered nan"),
    ],
)
def test_a_reply_that_does_not_fit_is_refused_and_changes_nothing(
    num_before: int, reply: Reply, message: str
):
    search = Search(Tree("t", "9", 2), MctsConfig())
    run(search, num_before)
    before, pending = repr(search.tree), search.pending
    assert num_before == 0 or (isinstance(pending, Value) and len(pending.prefixes) == 3)

    with pytest.raises(EngineError, match=message):
        search.answer(reply)

    assert repr(search.tree) == before
    assert search.pending is pending


def test_a_solution_asked_for_whole_must_be_one():
    search = Search(Tree("t", "9", 2), SelfConsistencyConfig(num_samples=1))

    with pytest.raises(EngineError, match="a whole solution and gave one that neither ended"):
        search.answer(Proposed((((Step("+1 = 1\n", 3),),),)))


def test_a_search_that_was_given_no_round_has_no_answer():
    search = Search(Tree("t", "9", 2), MctsConfig(), Budget(tokens=0))

    assert search.is_over
    assert search.best is None


def test_a_recipe_names_its_search_by_type():
    adapter = pydantic.TypeAdapter(AnyStrategy)
    kinds = ["mcts", "beam", "depth_first", "best_of_n", "self_consistency", "weighted_vote"]

    assert [adapter.validate_python({"type": kind}).type for kind in kinds] == kinds
