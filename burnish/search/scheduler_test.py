"""Many trees at once find what each of them finds alone."""

from __future__ import annotations

import itertools

import pytest

from burnish.errors import ConfigError, EngineError
from burnish.search.asks import Valuation
from burnish.search.beam import BeamConfig
from burnish.search.best_of_n import SelfConsistencyConfig
from burnish.search.budget import Budget
from burnish.search.mcts import MctsConfig
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import SumWorld
from burnish.search.search import Search, Strategy
from burnish.search.search_test import STRATEGIES
from burnish.search.tree import Tree

GOALS = [str(6 + i % 13) for i in range(70)]


def searches(strategy: Strategy, budget: Budget | None = None) -> list[Search]:
    return [Search(Tree(f"t{i}", goal, 3), strategy, budget) for i, goal in enumerate(GOALS)]


def found(strategy: Strategy, at_once: int, budget: Budget | None = None) -> dict[str, str]:
    world = SumWorld()
    models = Models(world, world, world)
    scheduler = Scheduler(models, at_once=at_once, clock=lambda: 0.0)
    done = list(scheduler.run(searches(strategy, budget)))
    assert len(done) == len(GOALS)
    return {search.tree.tree_id: repr(search.tree) for search in done}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.type)
def test_batch_size_1_and_64_give_equal_trees(strategy: Strategy):
    alone = found(strategy, 1)

    assert found(strategy, 64) == alone
    assert found(strategy, 7) == alone


@pytest.mark.parametrize("budget", [Budget(tokens=150), Budget(model_calls=40), Budget(nodes=15)])
def test_so_do_they_under_a_budget(budget: Budget):
    strategy = MctsConfig(end_gate=2.0)

    assert found(strategy, 1, budget) == found(strategy, 64, budget)


def test_another_seed_or_another_id_is_another_tree():
    world = SumWorld()
    trees = [Tree("a", "20", 1), Tree("a", "20", 2), Tree("b", "20", 1)]
    scheduler = Scheduler(Models(world, world), clock=lambda: 0.0)

    done = list(scheduler.run([Search(tree, BeamConfig()) for tree in trees]))

    texts = {"|".join(step.text for step in search.tree.steps) for search in done}
    assert len(texts) == 3


def test_calls_are_filled_by_all_trees_and_refilled_as_some_end():
    world = SumWorld()
    scheduler = Scheduler(Models(world, world), at_once=32, clock=lambda: 0.0)

    done = list(scheduler.run(searches(MctsConfig(iteration_limit=10))))

    traffic = scheduler.traffic
    assert traffic.continuations == sum(world.num_asked["propose"])
    assert traffic.prefixes_valued == sum(world.num_asked["value"])
    assert traffic.propose_calls == len(world.num_asked["propose"])
    assert traffic.value_calls == len(world.num_asked["value"])
    calls_one_by_one = sum(search.tree.spent.model_calls for search in done)
    assert calls_one_by_one > 30 * (traffic.propose_calls + traffic.value_calls)
    # Until the source is empty every tree proposes in every beat: 3 or 1 continuations each.
    assert min(world.num_asked["propose"][:20]) >= 32


def test_searches_are_drawn_as_room_is_made():
    world = SumWorld()
    drawn: list[int] = []

    def source():
        for i in itertools.count():
            drawn.append(i)
            yield Search(Tree(f"t{i}", "9", 1), BeamConfig())

    running = Scheduler(Models(world, world), at_once=4, clock=lambda: 0.0).run(source())
    next(running)

    assert len(drawn) == 4


def test_searches_that_are_over_already_come_out_at_once():
    world = SumWorld()
    ended = [Search(Tree(f"t{i}", "9", 1), BeamConfig(), Budget(tokens=0)) for i in range(9)]
    scheduler = Scheduler(Models(world, world), at_once=2, clock=lambda: 0.0)

    assert list(scheduler.run(ended)) == ended
    assert scheduler.traffic.propose_calls == 0


def test_a_stop_leaves_searches_that_go_on_to_the_same_trees():
    strategy = MctsConfig(iteration_limit=8)
    world = SumWorld()
    models = Models(world, world)
    pending = searches(strategy)
    beats = itertools.count()
    scheduler = Scheduler(
        models, at_once=16, clock=lambda: 0.0, should_stop=lambda: next(beats) == 9
    )

    done = list(scheduler.run(pending))
    assert 0 < len(done) < len(GOALS)
    resumed = [Search(search.tree, strategy) for search in pending if not search.is_over]
    done += Scheduler(models, at_once=5, clock=lambda: 0.0).run(resumed)

    assert {search.tree.tree_id: repr(search.tree) for search in done} == found(strategy, 64)


def test_time_is_charged_to_every_tree_under_way_and_ends_them():
    world = SumWorld()
    ticks = itertools.count(0.0, 0.25)  # each call takes so long; an iteration has four
    scheduler = Scheduler(Models(world, world), clock=lambda: next(ticks))
    strategy = MctsConfig(end_gate=2.0, iteration_limit=1000)

    done = list(
        scheduler.run(Search(Tree(i, "30", 1), strategy, Budget(seconds=1.5)) for i in ("a", "b"))
    )

    assert [search.tree.spent.seconds for search in done] == [2.0, 2.0]
    assert [search.tree.num_rounds for search in done] == [2, 2]


def test_a_search_without_a_value_model_says_what_is_missing():
    scheduler = Scheduler(Models(SumWorld()), clock=lambda: 0.0)

    with pytest.raises(ConfigError, match="guided by a value model, and there is none"):
        list(scheduler.run([Search(Tree("t", "9", 1), BeamConfig())]))
    assert list(scheduler.run([Search(Tree("t", "9", 1), SelfConsistencyConfig())]))


def test_a_search_without_a_critic_says_what_is_missing():
    world = SumWorld()
    scheduler = Scheduler(Models(world, world), clock=lambda: 0.0)

    with pytest.raises(ConfigError, match="needs a critic"):
        list(scheduler.run([Search(Tree("t", "9", 1), MctsConfig(self_critic="ask"))]))


def test_room_for_no_search_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        Scheduler(Models(SumWorld()), at_once=0, clock=lambda: 0.0)


def test_too_many_answers_are_noticed_before_any_is_used():
    class Generous(SumWorld):
        """One value too many."""

        def value(self, prefixes):
            return [*super().value(prefixes), Valuation(1.0)]

    world = Generous()
    search = Search(Tree("t", "9", 1), BeamConfig())

    with pytest.raises(EngineError, match="the value model gave"):
        list(Scheduler(Models(world, world), clock=lambda: 0.0).run([search]))
    assert len(search.tree.replies) == 1
