from __future__ import annotations

import math

import pytest

from burnish.evaluation.search_quality import (
    Found,
    Place,
    ahead_of,
    highest_from,
    lead_of,
    quality_of,
)


def found(*rows: str, tokens: int = 100) -> dict[Place, Found]:
    """A row a seed, a letter a problem: `x` where it is right."""
    return {
        (seed, f"p{number}"): Found(letter == "x", tokens + seed)
        for seed, row in enumerate(rows, start=1)
        for number, letter in enumerate(row)
    }


def test_accuracy_is_that_of_problems_and_seeds_alike():
    quality = quality_of(found("xx.......x", "xx........"))

    assert quality.accuracy.value == pytest.approx(0.25)
    assert quality.accuracy.n == 10
    assert quality.accuracy.low < 0.25 < quality.accuracy.high
    assert quality.by_seed == {1: pytest.approx(0.3), 2: pytest.approx(0.2)}
    assert quality.tokens == pytest.approx(101.5)
    # t(0.975, 1) = 12.706; the standard deviation of 0.3 and 0.2 is 0.0707.
    assert quality.spread == pytest.approx(12.7062 * 0.0707107 / math.sqrt(2), rel=1e-4)
    assert quality.as_json()["by_seed"] == {"1": pytest.approx(0.3), "2": pytest.approx(0.2)}


def test_a_single_seed_has_no_spread():
    quality = quality_of(found("x.x."))
    assert math.isnan(quality.spread)
    assert quality.as_json()["spread"] is None


def test_a_lead_is_paired_over_what_both_searched():
    ours, theirs = found("xxx.", "xx..", "...."), found("x...", "xx..")

    lead = lead_of(ours, theirs)

    assert lead is not None
    assert lead.difference.value == pytest.approx((3 + 2 - 1 - 2) / 8)
    assert lead.difference.n == 4
    assert (lead.num_ahead, lead.num_seeds) == (1, 2)
    back = lead_of(theirs, ours)
    assert back is not None
    assert back.difference.value == pytest.approx(-0.25)
    assert back.num_ahead == 0


def test_searches_of_other_problems_have_no_lead():
    other = {(1, "q"): Found(is_correct=True, tokens=1)}
    assert lead_of(found("x."), other) is None


def test_highest_is_what_no_other_search_is_ahead_of_up_to_the_largest_budget():
    searched = {
        "mcts": {100: found("x..."), 200: found("x..."), 400: found("xx.."), 800: found("xxx.")},
        "vote": {100: found("...."), 200: found("xx.."), 400: found("xx.."), 800: found("xx..")},
        "bon": {400: found("x...")},
    }
    assert highest_from(searched, "mcts") == 400
    assert highest_from(searched, "vote") is None
    assert ahead_of(searched, "mcts", 200) == ["vote"]
    assert ahead_of(searched, "mcts", 100) == []
    assert ahead_of(searched, "bon", 400) == ["mcts", "vote"]
