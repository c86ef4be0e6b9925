"""Who says which candidate is better: a setting, since a small model cannot judge in words.

policy       the round's model itself, asked in words     Self-Rewarding (arXiv:2401.10020)
value_model  a trained process reward model
grader       the task's grader, which knows the gold answer
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.evaluation.step_aggregation import Aggregation, aggregate
from burnish.methods.self_rewarding.words import PolicyJudgeConfig
from burnish.models.policy import Policy
from burnish.search.steps import AnySteps, NewlineSteps
from burnish.training.candidate_judging import CandidateJudge, GraderJudge
from burnish.training.candidate_pairs import Judgement
from burnish.training.samples import GradedSample
from burnish.training.step_tokens import sampled_steps
from burnish.training.step_values import StepJudge
from burnish.training.workbench import Workbench
from burnish.types import Completion, Problem


class GraderJudgeConfig(Config):
    """The verdict that every sample has anyway: right ones over wrong ones."""

    type: Literal["grader"] = "grader"
    """the task's grader, by the gold answer"""

    def build(self, _bench: Workbench, _policy: Policy) -> CandidateJudge:
        """Costs nothing."""
        return GraderJudge()


class ValueModelJudgeConfig(Config):
    """A process reward model that another run has trained."""

    type: Literal["value_model"] = "value_model"
    """a trained process reward model"""
    model: Path
    """the folder of the value model (`stages/<nn>-process_reward/selected`)"""
    steps: AnySteps = NewlineSteps()
    """what a step is; as in the run that trained the value model"""
    aggregate: Aggregation = "last"
    """how the values of the steps become the score of a solution: last (as ReST-MCTS*), min,
    product or mean"""

    def build(self, bench: Workbench, policy: Policy) -> CandidateJudge:
        """Raises ModelError for a value model of another tokenizer."""
        return _ValueModelJudge(self, bench, policy)


AnyJudgeConfig: TypeAlias = Annotated[
    PolicyJudgeConfig | ValueModelJudgeConfig | GraderJudgeConfig, Field(discriminator="type")
]


class _ValueModelJudge:
    """Charged are the tokens of the solutions, as in search."""

    def __init__(self, config: ValueModelJudgeConfig, bench: Workbench, policy: Policy) -> None:
        model = bench.load_process_reward(config.model)
        model.require_tokenizer(policy.tokenizer, owner="the policy that is sampled")
        self._config = config
        self._tokenizer = policy.tokenizer
        self._values = StepJudge(model, max_tokens=bench.compute.max_tokens_per_batch)

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        solutions = [
            sampled_steps(
                problem,
                _completion(candidate),
                steps=self._config.steps,
                tokenizer=self._tokenizer,
            )
            for problem, candidate in zip(problems, candidates, strict=True)
        ]
        return [
            Judgement(aggregate(values, self._config.aggregate), len(candidate.token_ids))
            for values, candidate in zip(
                self._values.step_values(solutions), candidates, strict=True
            )
        ]


def _completion(sample: GradedSample) -> Completion:
    blank = (0.0,) * len(sample.token_ids)
    return Completion(
        sample.prompt_ids, sample.token_ids, blank, blank, sample.text, sample.stop_reason
    )
