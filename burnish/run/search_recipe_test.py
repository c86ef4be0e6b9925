from __future__ import annotations

import pytest

from burnish.run.search_recipe import SEARCH_METHODS, search_recipe
from burnish.search.best_of_n import SamplingConfig


@pytest.mark.parametrize("method", ["bon", "orm", "weighted_vote", "vote"])
def test_the_budget_ends_samples_though_another_setting_is_given(method):
    for overrides, per_round in (([], 1), ([f"{method}.samples_per_round=3"], 3)):
        recipe = search_recipe("builtin:arithmetic", "arithmetic", overrides)
        strategy = recipe.strategy(method)
        assert isinstance(strategy, SamplingConfig)
        assert (strategy.num_samples, strategy.samples_per_round) == (4096, per_round)


def test_every_method_has_a_strategy_and_greedy_is_one_sample():
    recipe = search_recipe("builtin:arithmetic", "arithmetic", [])
    types = {method: recipe.strategy(method).type for method in SEARCH_METHODS}
    assert types["orm"] == types["bon"] == "best_of_n"
    greedy = recipe.strategy("greedy")
    assert isinstance(greedy, SamplingConfig)
    assert greedy.num_samples == 1
