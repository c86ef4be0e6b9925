"""Remembered samples and values are those that would be drawn anew."""

from burnish.search.asks import Prefix, ProposalRequest, Step
from burnish.search.best_of_n import BestOfNConfig, SelfConsistencyConfig
from burnish.search.remembering import RememberingProposer, RememberingValuer
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import SumWorld
from burnish.search.search import AnyStrategy, Search
from burnish.search.tree import Tree

BON = BestOfNConfig(num_samples=6, samples_per_round=2, aggregate="min")
VOTE = SelfConsistencyConfig(num_samples=9, samples_per_round=3)


def grown(strategy: AnyStrategy, models: Models) -> list[str]:
    trees = [Tree(f"t{goal}", str(goal), 5) for goal in (7, 12)]
    searches = [Search(tree, strategy) for tree in trees]
    list(Scheduler(models, clock=lambda: 0.0).run(searches))
    return [repr(tree) for tree in trees]


def test_searches_that_share_samples_find_and_pay_what_they_would_alone():
    world = SumWorld()
    models = Models(RememberingProposer(world, {}), RememberingValuer(world, {}))

    found = [grown(strategy, models) for strategy in (BON, VOTE, BON)]

    assert found == [grown(s, Models(SumWorld(), SumWorld())) for s in (BON, VOTE, BON)]


def test_no_whole_solution_and_no_prefix_is_asked_for_twice():
    world = SumWorld()
    samples, values = {}, {}
    models = Models(RememberingProposer(world, samples), RememberingValuer(world, values))

    grown(BON, models)
    sampled, valued = sum(world.num_asked["propose"]), sum(world.num_asked["value"])
    again = Models(RememberingProposer(world, samples), RememberingValuer(world, values))
    grown(BON, again)

    assert sampled == len(samples) == 12
    assert (sum(world.num_asked["propose"]), sum(world.num_asked["value"])) == (sampled, valued)


def test_only_missing_samples_are_asked_for():
    world = SumWorld()
    proposer = RememberingProposer(world, {})
    root = Prefix("t", "9", 0, ())

    (first,) = proposer.propose([ProposalRequest(root, (1, 2), None)])
    (both,) = proposer.propose([ProposalRequest(root, (2, 3, 1), None)])

    assert world.num_asked["propose"] == [2, 1]
    assert [both[2], both[0]] == list(first)


def test_steps_are_proposed_anew_each_time():
    world = SumWorld()
    proposer = RememberingProposer(world, {})
    root = Prefix("t", "9", 0, ())
    step = ProposalRequest(root, (1,), 1)
    rest = ProposalRequest(root.followed_by(Step("+1 = 1\n", 3)), (1,), None)
    advised = ProposalRequest(root, (1,), None, "add")

    for request in (step, rest, advised):
        assert proposer.propose([request]) == proposer.propose([request])

    assert world.num_asked["propose"] == [1] * 6
