"""ReST-MCTS* (arXiv:2406.03816, algorithm 1): policy and value model train each other by search.

    pi_0 = SFT(pi, D_S0),  V_0 = fit(D_V0)
    for i = 1 .. T:
        D_Gi = MCTS*(pi_{i-1}, V_{i-1}, questions)
        pi_i = SFT(pi_{i-1}, solutions in D_Gi that are right)
        V_i  = fit(V_{i-1}, values of all verified steps in D_Gi)

README.md beside this file says where paper and released code differ, and what was chosen.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.errors import ConfigError
from burnish.methods.rest_mcts.annotated import AnnotatedConfig, annotated_trees
from burnish.methods.rest_mcts.improve import (
    ImproveConfig,
    Models,
    search,
    train_policy,
    train_value,
)
from burnish.search.best_of_n import SelfConsistencyConfig
from burnish.training.process_reward import FitConfig
from burnish.training.stage import Stage
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.tree_data import TreeDataConfig
from burnish.training.tree_search import TreeSearchConfig
from burnish.training.workbench import Workbench

InitialConfig: TypeAlias = Annotated[TreeDataConfig | AnnotatedConfig, Field(discriminator="type")]
_SAMPLED = SelfConsistencyConfig(num_samples=16)


class RestMctsConfig(Config):
    """ReST-MCTS*: self-training by process-reward-guided tree search (arXiv:2406.03816)."""

    type: Literal["rest_mcts"] = "rest_mcts"
    warm_up: SupervisedConfig | None = SupervisedConfig(epochs=2)
    """pi_0: supervised training on the annotated rows; none: the recipe's model is pi_0."""
    initial: InitialConfig = TreeDataConfig(strategy=_SAMPLED)
    """D_V0: type search, trees that pi_0 grows without a value model (the paper's recipe for
    mathematics); or type annotated, annotated solutions with wrong steps of a weak model (the
    paper's recipe for science)."""
    initial_fit: FitConfig = FitConfig()
    """V_0's training, from pi_0's backbone."""
    search: TreeSearchConfig = TreeSearchConfig()
    """How steps are cut and sampled, in training and in all that is measured."""
    trees: TreeDataConfig = TreeDataConfig()
    """D_G: the search of each iteration, and which questions are searched."""
    improve: ImproveConfig = ImproveConfig()
    """What policy and value model learn from it."""
    iterations: int = Field(default=2, ge=1)
    """T; the paper: 2."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up, initial_trees, value_0; then search_i, policy_i and value_i, i = 1 .. T."""
        if bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: a value model reads the tokens of a policy with the full "
                "vocabulary. Set it to false; saved policies have their full vocabulary anyway."
            )
        policy = "warm_up" if self.warm_up is not None else None
        stages: list[Stage] = []
        if self.warm_up is not None:
            warm_up = partial(imitate, bench=bench, config=self.warm_up)
            stages.append(Stage("warm_up", warm_up, hands_on="last"))
        stages += self._initial_stages(bench, policy)
        value = "value_0"
        for number in range(1, self.iterations + 1):
            stages += self._iteration(bench, number, Models(policy, value))
            policy, value = f"policy_{number}", f"value_{number}"
        return stages

    def _initial_stages(self, bench: Workbench, policy: str | None) -> list[Stage]:
        """D_V0 and V_0."""
        start = Models(policy, None)
        if isinstance(self.initial, AnnotatedConfig):
            grow = partial(
                annotated_trees, bench=bench, config=self.initial, steps=self.search, policy=policy
            )
        else:
            grow = partial(search, bench=bench, config=self.initial, steps=self.search, start=start)
        fit = partial(
            train_value,
            bench=bench,
            config=self.initial_fit,
            trees="initial_trees",
            start=start,
        )
        return [
            Stage("initial_trees", grow, hands_on=None),
            Stage("value_0", fit, trains="value_model"),
        ]

    def _iteration(self, bench: Workbench, number: int, start: Models) -> list[Stage]:
        """D_Gi, pi_i and V_i."""
        trees = f"search_{number}"
        grow = partial(search, bench=bench, config=self.trees, steps=self.search, start=start)
        policy = partial(train_policy, bench=bench, config=self.improve, trees=trees, start=start)
        value = partial(
            train_value,
            bench=bench,
            config=self.improve.value,
            trees=trees,
            start=start,
            tolerance=self.improve.tolerance,
        )
        return [
            Stage(trees, grow, hands_on=None),
            Stage(f"policy_{number}", policy),
            Stage(f"value_{number}", value, trains="value_model"),
        ]
