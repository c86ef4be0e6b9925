from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from statistics import fmean, pvariance
from typing import Literal

import pytest
import torch
from pydantic import ValidationError

from burnish.errors import DataError
from burnish.models.process_reward_model import (
    HeadKind,
    ProcessRewardModel,
    start_process_reward,
)
from burnish.models.tiny import tiny_model
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.process_reward import FitConfig, fit_step, fit_values
from burnish.training.stage import StageRun, StepResult
from burnish.training.step_values import StepJudge
from burnish.types import StepLabels, SteppedTokens

FAST = OptimizerConfig(learning_rate=3e-3, schedule="constant")
GOOD, BAD = 60, 90
"""A step with the token GOOD is worth 1, one with BAD nothing."""


def labelled(number: int, *kinds: int | None) -> StepLabels:
    steps = tuple((10 + number % 7, kind or 70, 20 + k) for k, kind in enumerate(kinds))
    values = tuple(None if kind is None else float(kind == GOOD) for kind in kinds)
    return StepLabels(SteppedTokens(f"p{number}", (2, 30 + number % 11), steps), values)


ROWS = [
    labelled(1, GOOD, BAD),
    labelled(2, BAD),
    labelled(3, GOOD, None, GOOD, BAD),
]
MANY = [labelled(n, *(GOOD if (n >> k) % 2 else BAD for k in range(1 + n % 3))) for n in range(48)]
DEV = [labelled(n, *(BAD if n % (k + 2) else GOOD for k in range(3))) for n in range(48, 60)]


def fresh(head: HeadKind = "hidden") -> ProcessRewardModel:
    return start_process_reward(tiny_model("llama"), head=head, compute_dtype=torch.float32)


def tilted(head: HeadKind = "hidden") -> ProcessRewardModel:
    """With values that differ from step to step."""
    model = fresh(head)
    weight = model.network.get_submodule("value_head").get_parameter("weight")
    with torch.no_grad():
        weight.copy_(torch.linspace(-0.2, 0.2, weight.shape[1]) * (1 if head == "hidden" else 0.1))
    return model


def updated(
    model: ProcessRewardModel,
    *,
    loss: Literal["squared_error", "binary"] = "squared_error",
    max_tokens: int = 1000,
) -> Metrics:
    learner = Learner({"process_reward": model.network}, FAST)
    return fit_step(learner, model, ROWS, loss=loss, num_steps=9, max_tokens=max_tokens)


def test_the_losses_are_means_over_the_labelled_steps_of_the_batch():
    values = StepJudge(tilted(), max_tokens=1000).step_values([row.tokens for row in ROWS])
    pairs = [
        (v, y)
        for row_values, row in zip(values, ROWS, strict=True)
        for v, y in zip(row_values, row.values, strict=True)
        if y is not None
    ]
    assert len(pairs) == 6
    squared = sum((v - y) ** 2 for v, y in pairs) / 6
    binary = -sum(y * math.log(v) + (1 - y) * math.log(1 - v) for v, y in pairs) / 6
    assert updated(tilted())["train/loss"] == pytest.approx(squared, abs=1e-5)
    found = updated(tilted(), loss="binary")
    assert found["train/loss"] == pytest.approx(binary, abs=1e-5)
    assert found["train/mse"] == pytest.approx(squared, abs=1e-5)


def test_the_published_head_is_fitted_without_a_bound():
    model = tilted("vocabulary")
    with torch.no_grad():
        model.network.get_submodule("value_head").get_parameter("bias").fill_(-2.0)
    assert updated(model)["train/loss"] > 3.0  # clipped at 0 it could not be over 1


@pytest.mark.parametrize("loss", ["squared_error", "binary"])
def test_cutting_a_batch_into_micro_batches_changes_nothing(loss):
    whole, cut = (updated(tilted(), loss=loss, max_tokens=size) for size in (1000, 1))
    assert whole["train/loss"] == pytest.approx(cut["train/loss"], rel=1e-5)
    assert whole["train/grad_norm"] == pytest.approx(cut["train/grad_norm"], rel=1e-4)


def explained(values, labels) -> dict[str, float]:
    """Explained variance, and the share of steps on the right side of 1/2."""
    pairs = [
        (v, y)
        for row, targets in zip(values, labels, strict=True)
        for v, y in zip(row, targets, strict=True)
        if y is not None
    ]
    mse = fmean((v - y) ** 2 for v, y in pairs)
    return {
        "explained_variance": 1 - mse / pvariance([y for _, y in pairs]),
        "step_accuracy": fmean((v > 0.5) == (y > 0.5) for v, y in pairs),
    }


def stage(folder) -> StageRun:
    return StageRun("process_reward", folder, seed=1, artifacts={})


def fit(run: StageRun, model: ProcessRewardModel, **settings) -> Iterator[StepResult]:
    config = FitConfig(**{"epochs": 8, "batch_size": 8, "optimizer": FAST, **settings})
    return fit_values(
        run, model, config=config, train=MANY, dev=DEV, metrics=explained, max_tokens=500
    )


@pytest.mark.parametrize(
    "settings", [{}, {"loss": "binary"}, {"head": "vocabulary"}], ids=["mse", "bce", "published"]
)
def test_a_value_model_learns_which_steps_are_good(settings, tmp_path):
    # Explained variance on dev was 0.88 to 1.00 for the seeds 1 to 10 of each, step accuracy 0.97
    # to 1, the last loss at most 0.24 of the first.
    run = stage(tmp_path)
    results = list(fit(run, fresh(settings.get("head", "hidden")), **settings))
    assert run.measure is not None
    found = run.measure()
    assert next(iter(found)) == "dev/explained_variance"
    assert found["dev/explained_variance"] > 0.75
    assert found["dev/step_accuracy"] > 0.9
    assert results[-1].metrics["train/loss"] < 0.5 * results[0].metrics["train/loss"]


def test_a_stopped_fit_goes_on_as_if_it_never_stopped(tmp_path):
    whole = [result.metrics for result in fit(stage(tmp_path / "whole"), fresh())]
    run = stage(tmp_path / "cut")
    first = [result.metrics for result in islice(fit(run, fresh()), 5)]
    run.write_checkpoint()
    resumed = stage(tmp_path / "cut")
    rest = [result.metrics for result in fit(resumed, fresh())]
    assert first + rest == whole
    assert len(rest) == len(whole) - 5


def test_solutions_without_labels_are_passed_over_and_none_at_all_are_refused(tmp_path):
    empty = labelled(1, None, None)

    def start(train, dev):
        return next(
            fit_values(
                stage(tmp_path),
                fresh(),
                config=FitConfig(batch_size=2),
                train=train,
                dev=dev,
                metrics=explained,
                max_tokens=500,
            )
        )

    assert math.isfinite(start([empty, ROWS[0]], ROWS).metrics["train/loss"])
    with pytest.raises(DataError, match="the train solutions have not one labelled step"):
        start([empty], ROWS)
    with pytest.raises(DataError, match="the dev solutions have not one labelled step"):
        start(ROWS, [empty])


def test_a_solution_past_the_context_is_refused(tmp_path):
    long = StepLabels(SteppedTokens("too long", (2,), ((9,) * 256,)), (1.0,))
    with pytest.raises(
        DataError, match=r"'too long'.* 258 tokens, past the model's context of 256"
    ):
        next(
            fit_values(
                stage(tmp_path),
                fresh(),
                config=FitConfig(),
                train=[long],
                dev=ROWS,
                metrics=explained,
                max_tokens=500,
            )
        )


def test_logarithms_need_the_head_that_says_probabilities():
    with pytest.raises(ValidationError, match="logarithm of a probability"):
        FitConfig(head="vocabulary", loss="binary")
