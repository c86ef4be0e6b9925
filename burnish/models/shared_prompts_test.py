"""Sharing a prompt changes neither log-probabilities nor gradients."""

import pytest
import torch

from burnish.models.policy import Policy
from burnish.models.shared_prompts import shares_prompts
from burnish.models.tiny import tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.types import Example


def example(prompt, response):
    is_action = (False,) * len(prompt) + (True,) * len(response)
    return Example("p", (*prompt, *response), is_action)


ROWS = [
    example((5, 6, 7), (8, 9, 10, 11)),
    example((12, 13, 14, 15, 16), (17,)),
    example((5, 6, 7), (18, 19)),
    example((12, 13, 14, 15, 16), (20, 21, 22)),
]


def gradients(policy, rows):
    policy.network.zero_grad()
    total = torch.zeros(())
    logps = []
    for batch in rows:
        logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
        weight = 1.0 + batch.token_ids[:, 1:][batch.action_mask] / 7
        total = total + (logp[batch.action_mask] * weight).sum()
        logps += logp[batch.action_mask].tolist()
    total.backward()
    grads = {n: p.grad.clone() for n, p in policy.network.named_parameters() if p.grad is not None}
    return logps, grads


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2"])
def test_shared_prompts_give_the_plain_log_probabilities_and_gradients(family):
    policy = Policy(tiny_model(family), compute_dtype=torch.float32)
    together = TokenBatch.collate(ROWS)
    alone = [TokenBatch.collate([row]) for row in ROWS]
    assert shares_prompts(together, policy.network.config)
    assert not any(shares_prompts(batch, policy.network.config) for batch in alone)

    shared_logps, shared_grads = gradients(policy, [together])
    plain_logps, plain_grads = gradients(policy, alone)

    assert shared_logps == pytest.approx(plain_logps, abs=1e-5)
    for name, grad in plain_grads.items():
        torch.testing.assert_close(shared_grads[name], grad, rtol=1e-4, atol=1e-4)


def test_a_window_that_could_cut_a_row_turns_sharing_off():
    policy = Policy(tiny_model("gemma3"), compute_dtype=torch.float32)

    assert not shares_prompts(TokenBatch.collate(ROWS), policy.network.config)


def test_a_wide_window_is_no_obstacle():
    loaded = tiny_model("gemma3")
    loaded.network.config.sliding_window = 64
    policy = Policy(loaded, compute_dtype=torch.float32)
    together = TokenBatch.collate(ROWS)
    alone = [TokenBatch.collate([row]) for row in ROWS]
    assert shares_prompts(together, policy.network.config)

    assert gradients(policy, [together])[0] == pytest.approx(gradients(policy, alone)[0], abs=1e-5)
