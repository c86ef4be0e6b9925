"""A solution with the values of its steps: what each action is paid for them, and what that says.

    step_value   r_k = V(s_k)                          Math-Shepherd (arXiv:2312.08935)
    value_gain   r_k = gamma V(s_k) - V(s_{k-1})       at most 1 in all, however many steps
    shaping      the same, with V after the end 0      Ng, Harada and Russell 1999

at the last action of step k; V(s_0) is the value of the question. A discount below 1 is counted in
actions, so that holding a value costs a little at every action (`core/step_rewards.py`).

`step_value` pays for more steps, right or not, and `value_gain` for whatever the value model
overrates at the end. Under `shaping` all solutions of a question are paid the same in all, so the
answer alone decides which policy is best; the value model only says earlier what it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from burnish.core.step_rewards import held_potential, potential_differences, rewards_at_ends
from burnish.training.learner import Metrics
from burnish.types import Trajectory

StepPay: TypeAlias = Literal["shaping", "value_gain", "step_value"]


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
    *,
    form: StepPay,
) -> Metrics:
    """What was paid for steps, and how it goes with what the grader says.

    A policy that fools the value model shows: `process/overestimate` (V of whole solutions beyond
    the share that is right) rises, and the correlations with being right fall. A correlation is
    left out where one side does not vary, that of the sums also under `shaping`, whose sums only
    say what the questions are worth.

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
    found = {"process/end_correlation": _correlation(ends, is_right)}
    if form != "shaping":
        found["process/return_correlation"] = _correlation(returns, is_right)
    return metrics | {name: value for name, value in found.items() if value is not None}


def _correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's; None where one of the two does not vary."""
    try:
        return correlation(first, second)
    except StatisticsError:
        return None
