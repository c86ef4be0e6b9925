from __future__ import annotations

import pytest
import torch

from burnish.errors import ModelError
from burnish.models.config import LoraConfig
from burnish.models.loading import LoadedModel
from burnish.models.lora import Adapters, add_adapter
from burnish.models.policy import Policy
from burnish.models.tiny import Family, tiny_model

FAMILIES: tuple[Family, ...] = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")
TOKENS = torch.arange(5, 25)[None]


def adapted(family: Family = "llama", **settings) -> LoadedModel:
    model = tiny_model(family)
    torch.manual_seed(1)
    adapters = add_adapter(model.network, LoraConfig.model_validate({"rank": 4} | settings))
    return LoadedModel(model.network, model.tokenizer, adapters=adapters)


def policy_of(model: LoadedModel) -> Policy:
    return Policy(model, compute_dtype=torch.float32)


@torch.no_grad()
def move(model: LoadedModel, *, size: float = 0.05) -> None:
    """Stands for training: every parameter in training becomes another."""
    for parameter in model.network.parameters():
        if parameter.requires_grad:
            parameter += size * torch.randn_like(parameter)


@torch.no_grad()
def logits(network: torch.nn.Module) -> torch.Tensor:
    return network(TOKENS).logits


def hidden(policy: Policy) -> torch.Tensor:
    from burnish.models.token_batch import TokenBatch
    from burnish.types import Example

    example = Example("p", tuple(TOKENS[0].tolist()), (False,) * 4 + (True,) * 16)
    return policy.hidden_states(TokenBatch.collate([example]))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fresh_adapter_changes_nothing(family):
    assert torch.equal(logits(adapted(family).network), logits(tiny_model(family).network))


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_the_adapter_alone(family):
    model = adapted(family)
    move(model)
    model.network(TOKENS).logits.square().sum().backward()
    for name, parameter in model.network.named_parameters():
        assert (parameter.grad is not None) == (".lora_" in name), name
        assert parameter.grad is None or parameter.grad.any(), name


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_network_computes_what_the_adapter_does_and_is_a_plain_one(family):
    model, plain = adapted(family), tiny_model(family).network
    move(model)
    merged = policy_of(model).sampling_network()
    torch.testing.assert_close(logits(merged), logits(model.network), rtol=0, atol=1e-5)
    assert not torch.allclose(logits(merged), logits(plain), atol=0.1)
    assert merged.state_dict().keys() == plain.state_dict().keys()
    assert not {type(m) for m in merged.modules() if type(m).__module__.startswith("peft")}
    assert "peft_config" not in vars(merged)


def test_merging_leaves_the_network_in_training_as_it_was():
    model = adapted()
    move(model)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    policy_of(model).sampling_network()
    dict(policy_of(model).sampling_weights())
    after = model.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_has_no_adapter_is_shared_with_the_merged_network_and_not_copied():
    model = adapted(targets=["q_proj"])
    merged = policy_of(model).sampling_network()
    shared = {p.data_ptr() for p in model.network.parameters()}
    copied = [name for name, p in merged.named_parameters() if p.data_ptr() not in shared]
    assert copied == [f"model.layers.{layer}.self_attn.q_proj.weight" for layer in (0, 1)]


@pytest.mark.parametrize("family", FAMILIES)
def test_sampling_weights_are_those_of_the_merged_network_and_follow_training(family):
    model = adapted(family)
    policy = policy_of(model)
    weights = policy.sampling_weights()
    for _ in range(2):
        move(model)
        expected = policy.sampling_network().state_dict()
        assert set(weights) == expected.keys()
        assert len(weights) == len(expected)
        assert all(torch.equal(weights[name], expected[name]) for name in expected)


@torch.no_grad()
def test_reference_of_a_fresh_adapter_is_the_model_with_the_adapter_off():
    model = adapted()
    policy, base = policy_of(model), policy_of(tiny_model("llama"))
    reference = policy.frozen_view()
    assert reference is not None
    assert model.adapters is not None
    move(model)
    assert torch.equal(hidden(reference), hidden(base))
    assert not torch.allclose(hidden(policy), hidden(base), atol=0.1)
    assert reference.network is policy.network
    assert {name.split(".")[-2] for name, _ in policy.network.named_parameters() if "lora" in name}
    assert len(policy.network.peft_config) == 1  # no second adapter was needed


@torch.no_grad()
def test_reference_of_a_trained_adapter_stays_what_the_adapter_was():
    model = adapted()
    move(model)
    policy = policy_of(model)
    start = hidden(policy)
    reference = policy.frozen_view()
    assert reference is not None
    assert torch.equal(hidden(reference), start)
    assert torch.equal(hidden(policy), start)
    move(model)
    assert torch.equal(hidden(reference), start)
    assert not torch.allclose(hidden(policy), start, atol=0.1)
    merged = policy_of(LoadedModel(reference.sampling_network(), model.tokenizer))
    torch.testing.assert_close(hidden(merged), start, rtol=0, atol=1e-5)


def test_reference_takes_no_gradient_and_leaves_the_policy_its_own():
    model = adapted()
    move(model)
    policy = policy_of(model)
    reference = policy.frozen_view()
    assert reference is not None
    states = hidden(policy)
    assert not hidden(reference).requires_grad
    states.square().sum().backward()
    trained = [p for p in policy.network.parameters() if p.requires_grad]
    assert len(trained) == 28
    assert all(p.grad is not None and p.grad.any() for p in trained)


def test_the_main_adapter_is_in_force_again_after_an_exception():
    model = adapted()
    move(model)
    before = logits(model.network)
    assert model.adapters is not None

    def failing(adapters: Adapters) -> None:
        with adapters.using(None):
            assert not torch.equal(logits(model.network), before)
            raise KeyError

    with pytest.raises(KeyError):
        failing(model.adapters)
    assert torch.equal(logits(model.network), before)
    assert sum(p.requires_grad for p in model.network.parameters()) == 28


def test_a_second_model_in_training_starts_equal_and_both_take_gradients_of_one_loss():
    model = adapted()
    move(model)
    policy = policy_of(model)
    second = policy.trained_view()
    assert second is not None
    ours, theirs = hidden(policy), hidden(second)
    assert torch.equal(ours, theirs)
    (ours.square().sum() + theirs.square().sum()).backward()
    trained = [p for p in policy.network.parameters() if p.requires_grad]
    assert len(trained) == 56
    assert all(p.grad is not None and p.grad.any() for p in trained)


def test_copies_of_an_adapter_leave_the_random_numbers_as_they_were():
    model = adapted()
    move(model)
    state = torch.get_rng_state()
    policy_of(model).frozen_view()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_without_adapters_has_no_views_and_samples_from_its_own_weights():
    policy = policy_of(tiny_model("llama"))
    assert policy.frozen_view() is None
    assert policy.trained_view() is None
    assert policy.sampling_network() is policy.network
    assert policy.sampling_weights().keys() == policy.network.state_dict().keys()


def test_adapters_of_a_model_in_bfloat16_are_in_float32():
    model = tiny_model("llama")
    model.network.to(torch.bfloat16)  # pyright: ignore[reportArgumentType]
    add_adapter(model.network, LoraConfig())
    kinds = {(".lora_" in n, p.dtype) for n, p in model.network.named_parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}


@pytest.mark.parametrize("target", ["lm_head", "embed_tokens", "q_prj", "proj"])
def test_targets_that_are_no_linear_layer_are_refused_and_those_that_are_are_named(target):
    with pytest.raises(ModelError, match=rf"targets: .*'{target}'.* down_proj, .*, v_proj"):
        adapted(targets=["q_proj", target])


def test_targets_may_be_a_part_of_the_path():
    model = adapted(targets=["1.self_attn.q_proj"])
    assert model.adapters is not None
    assert model.adapters.layer_names == {"model.layers.1.self_attn.q_proj"}
