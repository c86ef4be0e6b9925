"""DPO and its family: learn from pairs of answers, of which one is preferred.

Rafailov et al. 2023, Direct Preference Optimization (arXiv:2305.18290). README.md beside this file
has the family's losses and where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.data.feedback.kinds import FeedbackSplit, FeedbackTask
from burnish.data.tasks.task import Task
from burnish.errors import ConfigError, DataError
from burnish.evaluation.answer_measure import measure_of_answers
from burnish.models.policy import Policy
from burnish.training.learner import Metrics, OptimizerConfig
from burnish.training.preference import PreferenceConfig, measure_of_pairs, prefer
from burnish.training.preference_pairs import TokenPair, usable_pairs, written_pair
from burnish.training.preference_reference import referenced_pairs
from burnish.training.stage import Measure, Stage, StageRun, StepResult
from burnish.training.start_measure import measured_start
from burnish.training.supervised import SupervisedConfig, imitate_examples
from burnish.training.workbench import Workbench
from burnish.types import Preference

WARM_UP = "warm_up"
STAGE = "dpo"


class DpoConfig(PreferenceConfig):
    """Direct preference optimisation; the defaults are the paper's, but for the optimizer."""

    type: Literal["dpo"] = "dpo"
    warm_up: SupervisedConfig | None = None
    """Supervised fine-tuning on the task's answers to imitate, whose model is then start and
    reference, as in the paper; default: none, both are the recipe's model."""
    num_labels: int | None = Field(default=None, ge=1)
    """Train pairs that are used, from the first; default: all."""
    epochs: float = Field(default=1, gt=0)
    """Passes over the pairs."""
    select_by: Literal["pairs", "answers"] = "pairs"
    """What models are selected by on dev: pairs (the share whose chosen answer has the larger
    implicit reward) or answers (greedy accuracy on the task's problems, which a grader must
    know)."""
    dev_answers: int = Field(default=0, ge=0)
    """Answers sampled to each dev problem at every evaluation, for the curve of gold reward against
    KL from the reference; 0: none."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=1e-6)
    """AdamW, where the paper has RMSprop, with 150 updates of warm-up."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up where there is one, and dpo. Raises ConfigError for a task without feedback."""
        if not isinstance(bench.task, FeedbackTask):
            raise ConfigError(
                "method.type: dpo learns from comparisons of answers, which the task of this recipe"
                " has not. Use task.type: feedback_rows (files of your own), or replies."
            )
        stages: list[Stage] = []
        if self.warm_up is not None:
            warm_up = partial(warm_up_on_answers, bench=bench, config=self, train=self.warm_up)
            stages.append(Stage(WARM_UP, warm_up, hands_on="last"))
        start = WARM_UP if self.warm_up is not None else None
        learn = partial(optimise_preferences, bench=bench, config=self, start=start)
        return [*stages, Stage(STAGE, learn, hands_on=self.hands_on)]


def warm_up_on_answers(
    run: StageRun, *, bench: Workbench, config: DpoConfig, train: SupervisedConfig
) -> Iterator[StepResult]:
    """A stage: imitate the task's answers; on dev, how likely the chosen answers are."""
    policy = bench.load_policy()
    renderer = bench.renderer(policy)
    measure = None
    if config.select_by == "pairs":
        dev = usable_pairs(token_pairs(bench, policy, "dev"), max_context=policy.max_context)
        measure = _measure_of_chosen(run, bench, policy, config, dev)
    yield from imitate_examples(
        run,
        policy,
        [renderer.example(problem) for problem in bench.problems("train")],
        config=train,
        max_tokens=bench.compute.max_tokens_per_batch,
        measure=measure,
    )


def optimise_preferences(
    run: StageRun, *, bench: Workbench, config: DpoConfig, start: str | None
) -> Iterator[StepResult]:
    """A stage: minimise the loss over the pairs.

    Args:
        start: the earlier stage whose model is start and reference; None is the recipe's own.
    """
    folder = run.artifacts[start] if start else None
    policy = bench.load_policy(folder)
    measure = None
    if config.select_by == "pairs":
        dev = usable_pairs(token_pairs(bench, policy, "dev"), max_context=policy.max_context)
        measure = _measure_of_dev(run, bench, policy, config, dev)
    if measure is not None and config.dev_answers:
        answers = measure_of_answers(
            bench,
            policy,
            bench.frozen_twin(policy, folder),
            None,
            num_samples=config.dev_answers,
        )
        measure = both_measures(measure, answers)
        measured_start(run, measure)
    yield from prefer(
        run,
        policy,
        token_pairs(bench, policy, "train")[: config.num_labels],
        config=config,
        max_tokens=bench.compute.max_tokens_per_batch,
        measure=measure,
    )


def both_measures(first: Measure, second: Measure) -> Measure:
    """The numbers of both; models are selected by the first."""
    return lambda: {**first(), **second()}


def token_pairs(bench: Workbench, policy: Policy, split: FeedbackSplit) -> list[TokenPair]:
    """The comparisons of a split in the policy's tokens. Raises DataError where there are none."""
    task = bench.task
    assert isinstance(task, FeedbackTask)
    renderer = bench.renderer(policy)
    rows = task.feedback("comparisons", split).rows
    if not rows:
        raise DataError(f"the task has no {split} comparisons; check its files and sizes")
    return [written_pair(row, renderer) for row in rows if isinstance(row, Preference)]


def compared_answers(task: Task) -> tuple[str, ...]:
    """The answers of all comparisons of a task, whose tokens a trimmed vocabulary must keep."""
    if not isinstance(task, FeedbackTask):
        return ()
    splits: tuple[FeedbackSplit, ...] = ("train", "dev", "test", "shifted")
    rows = [row for split in splits for row in task.feedback("comparisons", split).rows]
    pairs = [row for row in rows if isinstance(row, Preference)]
    return tuple(text for pair in pairs for text in (pair.chosen, pair.rejected))


def _measure_of_dev(
    run: StageRun, bench: Workbench, policy: Policy, config: DpoConfig, dev: list[TokenPair]
) -> Measure:
    """The reference's part of it is computed now, before any update."""
    max_tokens = bench.compute.max_tokens_per_batch
    rows = referenced_pairs(run.folder / "reference_dev", policy, dev, max_tokens=max_tokens)
    return measure_of_pairs(policy, rows, loss=config.loss, max_tokens=max_tokens)


def _measure_of_chosen(
    run: StageRun, bench: Workbench, policy: Policy, config: DpoConfig, dev: list[TokenPair]
) -> Measure:
    """`dev/chosen_logp` first, as there is no implicit reward to select by yet."""
    measure = _measure_of_dev(run, bench, policy, config, dev)

    def chosen_first() -> Metrics:
        found = dict(measure())
        return {"dev/chosen_logp": found["dev/chosen_logp"], **found}

    return chosen_first
