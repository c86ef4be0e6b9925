"""The value model of a run's own warm-up policy: labels by its completions, then the fit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from burnish.config import Config
from burnish.evaluation.step_metrics import step_metrics
from burnish.search.steps import StepFormat
from burnish.training.monte_carlo import MonteCarloConfig, label_steps
from burnish.training.process_reward import FitConfig
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.value_fit import LABEL_STAGE, VALUE_STAGE, AnyLabels, train_values
from burnish.training.workbench import Workbench


class ValueModelConfig(Config):
    """A value model that starts as the warm-up policy and learns from labelled steps."""

    data: AnyLabels = MonteCarloConfig()
    """Where labels come from: monte_carlo (completions of the warm-up policy), or rows."""
    fit: FitConfig = FitConfig()
    """The training."""

    def stages(self, bench: Workbench, *, steps: StepFormat) -> list[Stage]:
        """labels (left out for rows), which trains nothing, and process_reward.

        Args:
            steps: what a step of a sampled solution is.
        """

        def label(run: StageRun, config: MonteCarloConfig) -> Iterator[StepResult]:
            policy = run.artifacts["warm_up"]
            return label_steps(run, bench=bench, config=config, steps=steps, policy_folder=policy)

        def fit(run: StageRun) -> Iterator[StepResult]:
            return train_values(
                run,
                bench=bench,
                config=self.fit,
                data=self.data,
                start=run.artifacts["warm_up"],
                metrics=step_metrics,
            )

        fitted = Stage(VALUE_STAGE, fit, trains="value_model")
        if not isinstance(self.data, MonteCarloConfig):
            return [fitted]
        labels = Stage(LABEL_STAGE, partial(label, config=self.data), hands_on=None)
        return [labels, fitted]
