"""Beginnings of a path are free beside the path, and everything else costs what it did."""

from burnish.search.asks import Prefix, Step, Valuation
from burnish.search.best_of_n import BestOfNConfig
from burnish.search.one_pass import OnePassCharges
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import SumWorld
from burnish.search.search import Search
from burnish.search.tree import Tree

A, B, C = Step("a", 1), Step("b", 1), Step("c", 1)


class ByLength:
    """Says how long a prefix is, and charges ten tokens a step."""

    def value(self, prefixes):
        return [Valuation(len(p.steps) / 10, 10 * len(p.steps)) for p in prefixes]


def test_only_the_beginnings_of_what_is_read_are_free():
    prefixes = [Prefix("t", "", 0, steps) for steps in ((A,), (A, B, C), (A, B), (A, C), (B,))] + [
        Prefix("u", "", 0, (A,))
    ]

    found = OnePassCharges(ByLength()).value(prefixes)

    assert [valuation.num_tokens for valuation in found] == [0, 30, 0, 20, 10, 10]
    assert [valuation.value for valuation in found] == [0.1, 0.3, 0.2, 0.2, 0.1, 0.1]


def test_a_sample_whose_steps_all_count_costs_its_length():
    def bill(valuer) -> tuple[int, int]:
        config = BestOfNConfig(num_samples=1, aggregate="min")
        search = Search(Tree("t", "9", 5), config)
        list(Scheduler(Models(SumWorld(), valuer), clock=lambda: 0.0).run([search]))
        return search.tree.spent.value_tokens, len(search.tree) - 1

    tokens, length = bill(OnePassCharges(SumWorld()))
    assert tokens == length > 2
    assert bill(SumWorld())[0] == length * (length + 1) // 2
