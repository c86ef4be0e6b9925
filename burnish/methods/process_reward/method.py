"""A process reward model: V(steps so far | question), the value model of ReST-MCTS* and its kin.

Labels of steps come from completions (Math-Shepherd, arXiv:2312.08935), from people (PRM800K,
arXiv:2305.20050) or from files of one's own; the model is a language model with a head read at the
end of each step (ReST-MCTS*, arXiv:2406.03816). README.md beside this file lists the differences.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from burnish.config import Config
from burnish.data.step_rows import StepRowsConfig
from burnish.errors import ConfigError
from burnish.evaluation.step_metrics import step_metrics
from burnish.search.steps import AnySteps, NewlineSteps
from burnish.training.monte_carlo import MonteCarloConfig, label_steps
from burnish.training.process_reward import FitConfig
from burnish.training.stage import Stage
from burnish.training.value_fit import LABEL_STAGE, VALUE_STAGE, AnyLabels, train_values
from burnish.training.workbench import Workbench


class ProcessRewardConfig(Config):
    """A value model of partial solutions."""

    type: Literal["process_reward"] = "process_reward"
    policy: Path | None = None
    """Whose solutions are labelled, and chosen among on the test problems; default: the recipe's
    model."""
    start: Path | None = None
    """Whose backbone the value model starts from, or a value model to go on with; default: the
    policy."""
    data: AnyLabels = MonteCarloConfig()
    """Where labels come from: monte_carlo, or rows."""
    steps: AnySteps = NewlineSteps()
    """What a step of a sampled solution is."""
    fit: FitConfig = FitConfig()
    """The training."""
    outcome: Path | None = None
    """A trained reranker that stands beside it in the results; default: none."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """labels, which trains nothing (left out for rows), and process_reward."""
        if bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: a value model reads the tokens of a policy with the full "
                "vocabulary. Set it to false; saved policies have their full vocabulary anyway."
            )
        fit = Stage(
            VALUE_STAGE,
            partial(
                train_values,
                bench=bench,
                config=self.fit,
                data=self.data,
                start=self.start or self.policy,
                metrics=step_metrics,
            ),
            trains="value_model",
        )
        if isinstance(self.data, StepRowsConfig):
            return [fit]
        labels = Stage(
            LABEL_STAGE,
            partial(
                label_steps,
                bench=bench,
                config=self.data,
                steps=self.steps,
                policy_folder=self.policy,
            ),
            hands_on=None,
        )
        return [labels, fit]
