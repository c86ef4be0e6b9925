from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import nn

from burnish.models.config import LoraConfig
from burnish.models.lora import add_adapter
from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.models.value_head import SeparateCritic, SharedCritic
from burnish.types import Example


def policy() -> Policy:
    return Policy(tiny_model("llama"), compute_dtype=torch.float32)


def batch(*, last: int = 7) -> TokenBatch:
    source = random.Random(0)
    tokens = (*(source.randrange(4, 300) for _ in range(9)), last)
    return TokenBatch.collate([Example("p", tokens, (False,) * 4 + (True,) * 6)])


def test_shared_critic_is_one_linear_layer_on_the_last_hidden_states():
    model = policy()
    critic = SharedCritic(model)
    hidden = model.hidden_states(batch())
    weight, bias = critic.module.parameters()
    expected = hidden[:, :-1] @ weight[0] + bias
    torch.testing.assert_close(critic.values(batch(), hidden), expected)


@torch.no_grad()
def test_value_is_of_the_state_before_the_action():
    """Another last action changes no value: all states are those before it."""
    model = policy()
    for critic in (SharedCritic(model), SeparateCritic(policy())):
        first = critic.values(batch(last=7), model.hidden_states(batch(last=7)))
        second = critic.values(batch(last=8), model.hidden_states(batch(last=8)))
        assert first.shape == batch().action_mask.shape
        torch.testing.assert_close(first, second, rtol=0, atol=0)


@torch.no_grad()
def test_value_depends_on_the_token_read_last():
    model = policy()
    critic = SharedCritic(model)
    longer = TokenBatch.collate([Example("p", (*range(4, 12), 20, 5), (True,) * 10)])
    other = TokenBatch.collate([Example("p", (*range(4, 12), 21, 5), (True,) * 10)])
    first = critic.values(longer, model.hidden_states(longer))
    second = critic.values(other, model.hidden_states(other))
    assert torch.equal(first[0, :8], second[0, :8])
    assert first[0, 8] != second[0, 8]


def test_shared_critic_sends_gradients_into_the_policy():
    model = policy()
    SharedCritic(model).values(batch(), model.hidden_states(batch())).sum().backward()
    assert model.network.get_input_embeddings().get_parameter("weight").grad is not None


def test_separate_critic_sends_none_into_the_policy_and_all_into_its_own_network():
    model = policy()
    critic = SeparateCritic(policy())
    critic.values(batch(), model.hidden_states(batch())).sum().backward()
    assert all(p.grad is None for p in model.network.parameters())
    trained = {name for name, p in critic.module.named_parameters() if p.grad is not None}
    assert {"head.weight", "head.bias"} <= trained
    assert any(name.startswith("network.") for name in trained)
    untrained = {name for name, _ in critic.module.named_parameters()} - trained
    assert untrained == {"network.lm_head.weight"}


def test_values_are_float32_also_where_products_are_bfloat16():
    model = Policy(tiny_model("llama"), compute_dtype=torch.bfloat16)
    hidden = model.hidden_states(batch())
    assert SharedCritic(model).values(batch(), hidden).dtype == torch.float32


def adapted() -> Policy:
    model = tiny_model("llama")
    adapters = add_adapter(model.network, LoraConfig(rank=4))
    return Policy(replace(model, adapters=adapters), compute_dtype=torch.float32)


def with_gradients(network: nn.Module) -> set[str]:
    return {name for name, p in network.named_parameters() if p.grad is not None}


def test_shared_critic_sends_gradients_into_the_adapter_alone():
    model = adapted()
    SharedCritic(model).values(batch(), model.hidden_states(batch())).sum().backward()
    found = with_gradients(model.network)
    assert found
    assert all(".lora_" in name for name in found)


def test_separate_critic_on_the_policys_weights_trains_an_adapter_of_its_own():
    model = adapted()
    network = model.trained_view()
    assert network is not None
    critic = SeparateCritic(network)
    hidden = model.hidden_states(batch())
    critic.values(batch(), hidden).sum().backward()
    found = with_gradients(model.network)
    assert found
    assert all(".copy_1." in name for name in found)
    assert network.network is model.network
    torch.testing.assert_close(model.hidden_states(batch()), hidden, rtol=0, atol=0)


@pytest.mark.parametrize("critic", [SharedCritic, SeparateCritic])
@torch.no_grad()
def test_a_head_that_starts_at_zero_values_every_state_at_zero(critic):
    model = policy()
    hidden = model.hidden_states(batch())

    assert not critic(model, head_start="zero").values(batch(), hidden).any()
    assert critic(model).values(batch(), hidden).any()
