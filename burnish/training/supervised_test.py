from __future__ import annotations

import random

import pytest
import torch

from burnish.models.policy import Policy
from burnish.models.tiny import Family, tiny_model
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.supervised import supervised_step
from burnish.types import Example

SIZES = ((3, 4), (9, 2), (5, 11), (2, 1))


class RecordingLearner(Learner):
    """Keeps the gradients of the last update."""

    gradients: dict[str, torch.Tensor]

    def optim_step(self, *, num_steps: int) -> Metrics:
        self.gradients = {
            name: p.grad.clone()
            for name, p in self._modules["policy"].named_parameters()
            if p.grad is not None
        }
        return super().optim_step(num_steps=num_steps)


def policy_of(family: Family) -> Policy:
    return Policy(tiny_model(family), compute_dtype=torch.float32)


def examples() -> list[Example]:
    source = random.Random(0)
    return [
        Example(
            f"p{number}",
            tuple(source.randrange(4, 300) for _ in range(num_prompt + num_target)),
            (False,) * num_prompt + (True,) * num_target,
        )
        for number, (num_prompt, num_target) in enumerate(SIZES)
    ]


def step(family: Family, *, tokens: int) -> tuple[dict[str, torch.Tensor], Metrics]:
    policy = policy_of(family)
    learner = RecordingLearner({"policy": policy.network}, OptimizerConfig())
    metrics = supervised_step(learner, policy, examples(), num_steps=9, max_tokens=tokens)
    return learner.gradients, metrics


def plain_loss(policy: Policy) -> torch.Tensor:
    """Mean over all target tokens of the batch, from whole logits, a row at a time."""
    total, count = torch.tensor(0.0), 0
    for row in examples():
        tokens = torch.tensor([row.token_ids])
        logp = policy.network(tokens).logits[0, :-1].log_softmax(-1)
        chosen = logp.gather(1, tokens[0, 1:, None])[:, 0][torch.tensor(row.is_action[1:])]
        total, count = total - chosen.sum(), count + len(chosen)
    return total / count


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3"])
def test_loss_and_gradient_are_those_of_the_mean_over_target_tokens(family):
    gradients, metrics = step(family, tokens=10_000)
    policy = policy_of(family)
    loss = plain_loss(policy)
    loss.backward()
    assert metrics["train/loss"] == pytest.approx(loss.item(), rel=1e-5)
    for name, parameter in policy.network.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("tokens", [1, 20])
def test_how_a_batch_is_cut_changes_neither_loss_nor_gradients(family, tokens):
    whole, whole_metrics = step(family, tokens=10_000)
    cut, cut_metrics = step(family, tokens=tokens)
    assert cut_metrics == pytest.approx(whole_metrics, rel=1e-6, abs=1e-6)
    for name, gradient in whole.items():
        torch.testing.assert_close(gradient, cut[name], rtol=0, atol=1e-6)


def test_repeated_steps_fit_the_rows():
    policy = policy_of("llama")
    learner = Learner(
        {"policy": policy.network}, OptimizerConfig(learning_rate=3e-3, schedule="constant")
    )
    losses = [
        supervised_step(learner, policy, examples(), num_steps=30, max_tokens=10_000)["train/loss"]
        for _ in range(30)
    ]
    assert losses[-1] < 0.2 * losses[0]
