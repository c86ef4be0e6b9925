"""Process rewards: a value model pays every step of a sampled solution, besides the answer.

    step_value   r_k = w V(s_k)                            Math-Shepherd (arXiv:2312.08935)
    value_gain   r_k = w (gamma V(s_k) - V(s_{k-1}))       at most w in all, however many steps
    shaping      the same, with V after the end set to 0   Ng, Harada and Russell 1999

at the last action of step k; V(s_0) is the value of the question. A discount below 1 is counted in
actions, so that holding a value costs a little at every action (`core/step_rewards.py`).

`step_value` pays for more steps, right or not, and value_gain for whatever the value model
overrates at the end. Under `shaping` all solutions of a question are paid the same in all, so the
answer alone decides which policy is best; the value model only says earlier what it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import StatisticsError, correlation, fmean
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.masking import scatter_actions
from burnish.core.step_rewards import held_potential, potential_differences, rewards_at_ends
from burnish.errors import ModelError
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.search.steps import AnySteps, NewlineSteps
from burnish.training.experience import Experience
from burnish.training.learner import Metrics
from burnish.training.step_tokens import steps_of
from burnish.training.step_values import StepJudge
from burnish.types import SteppedTokens, Trajectory

StepPay: TypeAlias = Literal["shaping", "value_gain", "step_value"]


class StepRewardConfig(Config):
    """What a value model says of every step, paid besides the answer."""

    model: Path | None = None
    """A trained value model with the policy's tokenizer, such as
    RUN/stages/02-process_reward/selected; default: the one that `method.value_model` trains."""
    steps: AnySteps = NewlineSteps()
    """What a step of a sampled solution is: the same as when the value model was trained."""
    form: StepPay = "shaping"
    """shaping: what V gains, with V after the end 0, so that the best policy stays the best (Ng et
    al. 1999); value_gain: what V gains; step_value: V itself, Math-Shepherd's, which pays for more
    steps."""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """w: of these rewards beside the grader's."""


@dataclass(frozen=True, slots=True)
class ValuedSolution:
    """A sampled solution and what the value model says of it.

    Attributes:
        num_actions: sampled tokens.
        ends: one past the last action of each step.
        start: V of the question.
        values: V after each step.
    """

    num_actions: int
    ends: tuple[int, ...]
    start: float
    values: tuple[float, ...]

    @property
    def end(self) -> float:
        """V of the whole solution; without a step, of the question."""
        return self.values[-1] if self.values else self.start


class StepPayer:
    """Pays the steps of sampled solutions. Raises ModelError for a value model of other tokens."""

    def __init__(
        self,
        model: ProcessRewardModel,
        config: StepRewardConfig,
        *,
        discount: float,
        max_tokens: int,
    ) -> None:
        """`discount`: gamma of the returns; `max_tokens`: size of a micro-batch."""
        self._model = model
        self._judge = StepJudge(model, max_tokens=max_tokens)
        self._config = config
        self._discount = discount

    def pay(self, experiences: Sequence[Experience]) -> tuple[list[Float[Tensor, "B T"]], Metrics]:
        """The rewards of the steps, a tensor for each micro-batch, and what they look like.

        Raises NonFiniteError where the value model says something that is no number, and ModelError
        for a solution that is too long for it.
        """
        samples = [sample for e in experiences for sample in e.trajectories]
        solutions = self.valued(samples)
        paid = [
            self._config.weight * step_rewards(s, self._config.form, discount=self._discount)
            for s in solutions
        ]
        rows = iter(paid)
        laid_out = []
        for e in experiences:
            flat = torch.cat([next(rows) for _ in e.trajectories])
            laid_out.append(scatter_actions(flat.to(e.old_logp.device), e.batch.action_mask))
        return laid_out, process_metrics(samples, solutions, paid)

    def valued(self, samples: Sequence[Trajectory]) -> list[ValuedSolution]:
        """What the value model says of each sample."""
        solutions = [self._steps_of(sample) for sample in samples]
        questions = [SteppedTokens(s.problem_id, s.prompt_ids, ()) for s in solutions]
        return [
            ValuedSolution(
                num_actions=sum(sample.is_action),
                ends=tuple(end - len(solution.prompt_ids) for end in solution.step_ends),
                start=start,
                values=values,
            )
            for sample, solution, start, values in zip(
                samples,
                solutions,
                self._judge.prefix_values(questions),
                self._judge.step_values(solutions),
                strict=True,
            )
        ]

    def _steps_of(self, sample: Trajectory) -> SteppedTokens:
        size, limit = len(sample.token_ids), self._model.max_context
        if limit is not None and size > limit:
            raise ModelError(
                f"problem {sample.problem_id!r:.80}: prompt and solution have {size} tokens, past "
                f"the value model's context of {limit}. Lower lengths.max_new_tokens, or use a "
                "value model with the policy's context."
            )
        return steps_of(sample, steps=self._config.steps, tokenizer=self._model.tokenizer)


def step_rewards(solution: ValuedSolution, form: StepPay, *, discount: float) -> Float[Tensor, "A"]:
    """The reward of every action, before its weight."""
    values = torch.tensor(solution.values)
    ends = torch.tensor(solution.ends, dtype=torch.long)
    if form == "step_value":
        return rewards_at_ends(values, ends, num_actions=solution.num_actions)
    potential = held_potential(solution.start, values, ends, num_actions=solution.num_actions)
    if form == "shaping":
        potential[-1] = 0.0
    return potential_differences(potential, discount=discount)


def process_metrics(
    samples: Sequence[Trajectory],
    solutions: Sequence[ValuedSolution],
    paid: Sequence[Float[Tensor, "A"]],
) -> Metrics:
    """What was paid for steps, and how it goes with what the grader says.

    A policy that fools the value model shows: `process/overestimate` (V of whole solutions beyond
    the share that is right) rises, and the correlations with being right fall. A correlation is
    left out where one side does not vary. Under `shaping` the sums only say what the questions are
    worth.

    Args:
        paid: the rewards of the actions of each solution.
    """
    returns = [rewards.sum().item() for rewards in paid]
    dense = sum(rewards.abs().sum().item() for rewards in paid)
    terminal = sum(abs(sample.score.reward) for sample in samples)
    num_steps = sum(len(solution.values) for solution in solutions)
    ends = [solution.end for solution in solutions]
    is_right = [float(sample.score.is_correct) for sample in samples]
    metrics = {
        "process/steps": num_steps / len(solutions),
        "process/value": sum(sum(s.values) for s in solutions) / max(1, num_steps),
        "process/reward": sum(returns) / max(1, num_steps),
        "process/return": fmean(returns),
        "process/dense_share": dense / (dense + terminal) if dense else 0.0,
        "process/overestimate": fmean(ends) - fmean(is_right),
    }
    found = {
        "process/return_correlation": _correlation(returns, is_right),
        "process/end_correlation": _correlation(ends, is_right),
    }
    return metrics | {name: value for name, value in found.items() if value is not None}


def _correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's; None where one of the two does not vary."""
    try:
        return correlation(first, second)
    except StatisticsError:
        return None
