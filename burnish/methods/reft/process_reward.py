"""Process rewards: a value model pays every step of a sampled solution, besides the answer.

What a step is paid is said in `valued_solution.py`, with the papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.core.masking import scatter_actions
from burnish.errors import ModelError
from burnish.methods.reft.valued_solution import (
    StepPay,
    ValuedSolution,
    process_metrics,
    step_rewards,
)
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.search.steps import AnySteps, NewlineSteps
from burnish.training.experience import Experience
from burnish.training.learner import Metrics
from burnish.training.step_tokens import steps_of
from burnish.training.step_values import StepJudge
from burnish.types import SteppedTokens, Trajectory


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


class StepPayer:
    """Pays the steps of sampled solutions by a value model that reads the policy's tokens."""

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
        form, weight = self._config.form, self._config.weight
        paid = [weight * step_rewards(s, form, discount=self._discount) for s in solutions]
        rows = iter(paid)
        laid_out = []
        for e in experiences:
            flat = torch.cat([next(rows) for _ in e.trajectories])
            laid_out.append(scatter_actions(flat.to(e.old_logp.device), e.batch.action_mask))
        return laid_out, process_metrics(samples, solutions, paid, form=form)

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
