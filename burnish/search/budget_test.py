"""What is charged, and when it is enough."""

import pytest

from burnish.search.asks import (
    Criticised,
    Critique,
    Proposed,
    Step,
    Valuation,
    Valued,
)
from burnish.search.budget import Budget, Spent, cost_of


def test_each_kind_of_reply_has_its_cost():
    proposed = Proposed((((Step("a", 3), Step("b", 4)), (Step("c", 5),)), ((Step("d", 6),),)))
    valued = Valued((Valuation(0.1, 20), Valuation(0.2, 30)))
    criticised = Criticised((Critique(True, "", 7),))

    bill = cost_of(proposed) + cost_of(valued) + cost_of(criticised) + Spent(seconds=0.5)

    assert bill == Spent(18, 50, 7, 6, 0.5)
    assert bill.tokens == 75


@pytest.mark.parametrize(
    "limit", [{"tokens": 75}, {"model_calls": 6}, {"nodes": 9}, {"seconds": 0.5}]
)
def test_each_limit_ends_a_search_when_it_is_reached(limit: dict[str, float]):
    ((name, value),) = limit.items()

    assert Budget.model_validate(limit).is_spent(Spent(18, 50, 7, 6, 0.5), 9)
    higher = Budget.model_validate({name: value + 1})
    assert not higher.is_spent(Spent(18, 50, 7, 6, 0.5), 9)


def test_no_limit_is_never_reached():
    assert not Budget().is_spent(Spent(10**9, 10**9, 10**9, 10**9, 1e9), 10**9)
