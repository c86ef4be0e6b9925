from __future__ import annotations

import random

import pytest
import torch

from burnish.models.policy import Policy
from burnish.models.tiny import Family, tiny_model
from burnish.models.value_head import Critic, SeparateCritic, SharedCritic
from burnish.training.experience import Experience, gather_experience
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.ppo import PpoConfig, ppo_update
from burnish.types import Score, StopReason, Trajectory

SIZES = ((3, 4), (3, 9), (7, 1), (7, 6), (5, 8))
"""Prompt and completion lengths; prompts of one length are one prompt."""


class RecordingLearner(Learner):
    """Keeps the gradients of each update."""

    def __init__(self, modules, config) -> None:
        super().__init__(modules, config)
        self.gradients: list[dict[str, torch.Tensor]] = []

    def optim_step(self, *, num_steps: int) -> Metrics:
        self.gradients.append(
            {
                f"{module}.{name}": p.grad.clone()
                for module, part in self._modules.items()
                for name, p in part.named_parameters()
                if p.grad is not None
            }
        )
        return super().optim_step(num_steps=num_steps)


def policy_of(family: Family = "llama") -> Policy:
    return Policy(tiny_model(family), compute_dtype=torch.float32)


def trajectories() -> list[Trajectory]:
    rows = []
    for number, (num_prompt, num_actions) in enumerate(SIZES):
        prompt, rest = random.Random(num_prompt), random.Random(100 + number)
        ids = [prompt.randrange(4, 300) for _ in range(num_prompt)]
        ids += [rest.randrange(4, 300) for _ in range(num_actions)]
        flags = (False,) * num_prompt + (True,) * num_actions
        zeros = (0.0,) * len(ids)
        score = Score(float(number), False, None)
        rows.append(
            Trajectory(f"p{num_prompt}", tuple(ids), flags, zeros, zeros, score, StopReason.EOS, "")
        )
    return rows


def experiences_of(policy: Policy, critic: Critic, *, tokens: int) -> list[Experience]:
    """With advantages and returns that depend on row and token, not on how batches are cut."""
    found = gather_experience(
        trajectories(), policy=policy, reference=policy, critic=critic, max_tokens=tokens
    )
    for e in found:
        ids = e.batch.token_ids[:, 1:].float()
        rewards = torch.tensor([t.score.reward for t in e.trajectories])[:, None]
        e.advantage = torch.where(e.batch.action_mask, (ids % 7) - 3 + rewards, 0.0)
        e.return_ = torch.where(e.batch.action_mask, (ids % 5) / 5 + rewards, 0.0)
    return found


def updated(
    *, tokens: int = 10_000, family: Family = "llama", separate: bool = False, **settings
) -> tuple[dict[str, torch.Tensor], Metrics]:
    """Gradients of the last update, before clipping, and the metrics."""
    policy = policy_of(family)
    torch.manual_seed(0)
    critic = SeparateCritic(policy_of(family)) if separate else SharedCritic(policy)
    learner = RecordingLearner(
        {"policy": policy.network, "critic": critic.module},
        OptimizerConfig(learning_rate=1e-3, schedule="constant", epsilon=1.0),
    )
    metrics = ppo_update(
        learner,
        experiences_of(policy, critic, tokens=tokens),
        policy=policy,
        critic=critic,
        config=PpoConfig.model_validate({"num_epochs": 1} | settings),
        num_updates=10,
    )
    return learner.gradients[-1], metrics


def of_policy(gradients: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: grad for name, grad in gradients.items() if name.startswith("policy.")}


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    scale = max(grad.abs().max().item() for grad in first.values())
    for name, grad in first.items():
        torch.testing.assert_close(grad, second[name], rtol=0, atol=1e-6 * scale)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("tokens", [1, 25])
def test_how_a_batch_is_cut_changes_neither_losses_nor_gradients(family, tokens):
    whole, whole_metrics = updated(family=family)
    cut, cut_metrics = updated(family=family, tokens=tokens)
    assert_same(whole, cut)
    assert cut_metrics == pytest.approx(whole_metrics, rel=1e-6, abs=1e-6)


def test_how_a_batch_is_cut_does_not_change_the_clip_fraction():
    settings = {"num_epochs": 2, "clip_low": 1e-4, "clip_high": 1e-4}
    _, whole = updated(**settings)
    _, cut = updated(tokens=1, **settings)
    assert 0.1 < whole["ppo/clip_fraction"] < 0.5
    assert cut["ppo/clip_fraction"] == pytest.approx(whole["ppo/clip_fraction"])


def test_first_pass_has_ratio_one_and_the_policy_loss_is_minus_the_mean_advantage():
    policy = policy_of()
    (e,) = experiences_of(policy, SharedCritic(policy), tokens=10_000)
    means = [a[m].mean() for a, m in zip(e.advantage, e.batch.action_mask, strict=True)]
    _, metrics = updated()
    expected = -torch.stack(means).mean().item()
    assert metrics["ppo/policy_loss"] == pytest.approx(expected, rel=1e-5)
    assert metrics["ppo/clip_fraction"] == 0.0


def test_gradient_of_the_first_pass_is_reinforce_with_advantage():
    gradients, _ = updated(value_coef=0.0)
    policy = policy_of()
    (e,) = experiences_of(policy, SharedCritic(policy), tokens=10_000)
    loss = torch.tensor(0.0)
    for row, sample in enumerate(e.trajectories):
        tokens = torch.tensor([sample.token_ids])
        logp = policy.network(tokens).logits[0, :-1].log_softmax(-1)
        logp = logp.gather(1, tokens[0, 1:, None])[:, 0]
        mask = torch.tensor(sample.is_action[1:])
        advantage = e.advantage[row, : len(mask)]
        loss = loss - (advantage * logp)[mask].mean() / len(SIZES)
    loss.backward()
    named = policy.network.named_parameters()
    expected = {f"policy.{name}": p.grad for name, p in named if p.grad is not None}
    assert_same(expected, of_policy(gradients))


def test_second_pass_has_moved_away_from_ratio_one():
    first, _ = updated()
    second, metrics = updated(num_epochs=2, clip_low=0.9, clip_high=9.0)
    assert any(not torch.equal(first[name], second[name]) for name in first)
    _, clipped = updated(num_epochs=2, clip_low=1e-4, clip_high=1e-4)
    assert metrics["ppo/clip_fraction"] == 0.0
    assert clipped["ppo/clip_fraction"] > 0.1


def test_value_loss_is_half_the_squared_error_weighed_by_its_coefficient():
    _, metrics = updated(value_coef=3.0)
    policy = policy_of()
    torch.manual_seed(0)
    (e,) = experiences_of(policy, SharedCritic(policy), tokens=10_000)
    errors = 0.5 * (e.old_value - e.return_).square()
    means = [x[m].mean() for x, m in zip(errors, e.batch.action_mask, strict=True)]
    expected = torch.stack(means).mean().item()
    assert metrics["ppo/value_loss"] == pytest.approx(expected, rel=1e-5)
    total = metrics["ppo/policy_loss"] + 3.0 * metrics["ppo/value_loss"]
    assert metrics["train/loss"] == pytest.approx(total, rel=1e-5)


def test_shared_critic_moves_the_policy_and_a_separate_one_does_not():
    shared, _ = updated(value_coef=5.0)
    separate, _ = updated(value_coef=5.0, separate=True)
    without, _ = updated(value_coef=0.0)
    assert_same(of_policy(without), of_policy(separate))
    with pytest.raises(AssertionError):
        assert_same(of_policy(without), of_policy(shared))
    assert any(name.startswith("critic.network.") for name in separate)


def test_each_epoch_is_one_update():
    policy = policy_of()
    critic = SharedCritic(policy)
    learner = RecordingLearner(
        {"policy": policy.network, "critic": critic.module}, OptimizerConfig()
    )
    ppo_update(
        learner,
        experiences_of(policy, critic, tokens=25),
        policy=policy,
        critic=critic,
        config=PpoConfig(num_epochs=3),
        num_updates=30,
    )
    assert len(learner.gradients) == 3
