from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.training.roll_back import rolled_back
from burnish.training.stage import StageRun, StepResult


class Training:
    """Two steps that change a policy; on dev the start and the steps are worth what is said."""

    def __init__(self, folder, *, start: float, steps: list[float]) -> None:
        self.run = StageRun("policy_1", folder, seed=1, artifacts={})
        self.policy = Policy(tiny_model("llama"), compute_dtype=torch.float32)
        self.before = self.weights()
        self.num_measured = 0
        self._start, self._steps = start, steps

    def weights(self) -> torch.Tensor:
        return self.policy.network.get_input_embeddings().get_parameter("weight").detach().clone()

    def do(self, *, tolerance: float = 0.0) -> torch.Tensor:
        """All steps as a driver takes them; returns the weights of the selected model."""
        steps = rolled_back(
            self.run,
            self._updates(),
            start=self.policy,
            measure=self._measured_start,
            tolerance=tolerance,
        )
        for _ in steps:
            value = self._steps[self.run.num_done - 1]
            self.run.selection.consider(value, self.run.num_done, self.policy)
        return self.run.selection.weights["model.embed_tokens.weight"]

    def _measured_start(self) -> dict[str, float]:
        assert torch.equal(self.weights(), self.before), "measured before any step"
        self.num_measured += 1
        return {"dev/accuracy": self._start, "dev/other": 9.0}

    @torch.no_grad()
    def _updates(self) -> Iterator[StepResult]:
        for _ in self.run.steps(len(self._steps), model=self.policy, state={}, eval_every=1):
            self.policy.network.get_input_embeddings().get_parameter("weight").add_(1.0)
            yield StepResult({})


def test_the_start_is_selected_where_every_step_is_worse(tmp_path):
    training = Training(tmp_path, start=0.5, steps=[0.4, 0.3])
    assert torch.equal(training.do(), training.before)
    assert (training.run.selection.best, training.run.selection.best_step) == (0.5, 0)


@pytest.mark.parametrize("steps", [[0.4, 0.6], [0.4, 0.5]])
def test_the_best_step_stays_where_it_is_no_worse(tmp_path, steps):
    training = Training(tmp_path, start=0.5, steps=steps)
    assert torch.allclose(training.do(), training.before + 2.0)
    assert training.run.selection.best_step == 2


def test_a_fall_within_the_tolerance_is_borne(tmp_path):
    training = Training(tmp_path, start=0.5, steps=[0.45, 0.3])
    assert torch.allclose(training.do(tolerance=0.1), training.before + 1.0)


def test_the_start_is_measured_once_for_all_attempts(tmp_path):
    first = Training(tmp_path, start=0.5, steps=[0.4])
    first.do()
    again = Training(tmp_path, start=0.9, steps=[0.6])
    again.do()
    assert (first.num_measured, again.num_measured) == (1, 0)
    assert again.run.selection.best_step == 1, "compared with the kept 0.5"
