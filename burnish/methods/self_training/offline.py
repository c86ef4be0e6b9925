"""Offline self-training: sample once, keep what is right, imitate it from the base model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.training.kept_samples import Repeats, keep_samples, read_kept, right_samples
from burnish.training.learner import OptimizerConfig
from burnish.training.samples import SampleDataConfig, collect_samples, read_samples
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate_examples
from burnish.training.workbench import Workbench

DATA = "sample"


class OfflineSampleConfig(SampleDataConfig):
    """What the warm-up model is asked, once; the defaults are the ReFT code's."""

    samples_per_problem: int = Field(default=100, ge=1)
    """Samples of each problem."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the samples."""
    top_k: int = Field(default=0, ge=0)
    """Drawn from are the k most likely tokens; 0: all."""


class OfflineConfig(Config):
    """Offline-ST of the ReFT paper; with `repeats: same_calculation_left_out` and
    `max_kept_per_problem: null` rejection-sampling fine-tuning (RFT)."""

    type: Literal["offline"] = "offline"
    """One round: sample, keep, imitate."""
    sample: OfflineSampleConfig = OfflineSampleConfig()
    """What is sampled from the warm-up's model."""
    max_kept_per_problem: int | None = Field(default=10, ge=1)
    """Right samples of one problem that are imitated, at most; the paper: 10; null: all."""
    repeats: Repeats = "left_out"
    """left_out: a right sample that was drawn twice counts once; same_calculation_left_out: also
    one with the same equations in the same order (RFT); kept: each counts."""
    annotated: Literal["added", "left_out"] = "added"
    """The annotated rows beside the samples: added, as in the paper, or left out."""
    train: SupervisedConfig = SupervisedConfig(
        epochs=20, optimizer=OptimizerConfig(learning_rate=1e-5)
    )
    """Supervised training on both, from the recipe's model."""

    def stages(self, bench: Workbench, *, start: str | None) -> list[Stage]:
        """sample, from the model of `start` (None: the recipe's), and self_training."""
        draw = partial(sample_once, bench=bench, config=self, start=start)
        learn = partial(imitate_kept, bench=bench, config=self)
        return [Stage(DATA, draw, hands_on=None), Stage("self_training", learn)]


def sample_once(
    run: StageRun, *, bench: Workbench, config: OfflineConfig, start: str | None
) -> Iterator[StepResult]:
    """A stage that trains nothing: samples of every problem; those that are right are kept.

    Raises DataError where none is.
    """
    policy = bench.load_policy(run.artifacts[start] if start else None)
    yield from collect_samples(run, bench=bench, policy=policy, config=config.sample)
    samples = read_samples(run.folder)
    kept = right_samples(
        samples, max_per_problem=config.max_kept_per_problem, repeats=config.repeats
    )
    num_asked = config.sample.num_problems or len(bench.problems("train"))
    keep_samples(run.folder, samples, kept, num_asked=num_asked)


def imitate_kept(run: StageRun, *, bench: Workbench, config: OfflineConfig) -> Iterator[StepResult]:
    """A stage: from the recipe's model, minimise -E log pi(y | x) over kept and annotated rows."""
    policy = bench.load_policy()
    examples = [sample.example() for sample in read_kept(run.artifacts[DATA])]
    if config.annotated == "added":
        renderer = bench.renderer(policy)
        examples += [renderer.example(problem) for problem in bench.problems("train")]
    yield from imitate_examples(
        run,
        policy,
        examples,
        config=config.train,
        max_tokens=bench.compute.max_tokens_per_batch,
    )
