"""What needs bitsandbytes is skipped where the extra [quantize] is not installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from burnish.config import load_tree
from burnish.errors import ConfigError, ModelError
from burnish.models.config import LoraConfig, ModelConfig
from burnish.models.loading import load
from burnish.models.policy import Policy
from burnish.models.quantization import is_quantized
from burnish.models.tiny import tiny_model

LORA = LoraConfig(rank=4)
TOKENS = torch.arange(5, 25)[None]
HAS_LIBRARY = importlib.util.find_spec("bitsandbytes") is not None
needs_library = pytest.mark.skipif(not HAS_LIBRARY, reason="the extra [quantize] is not installed")
BITS = pytest.mark.parametrize("bits", ["8bit", "4bit"])


@pytest.fixture
def folder(tmp_path):
    tiny_model("llama", hidden_size=64).save(tmp_path / "base")
    return tmp_path / "base"


def policy_of(folder: Path, bits: str, **settings) -> Policy:
    config = {"name": str(folder), "lora": LORA, "quantize": bits} | settings
    return Policy(load(ModelConfig.model_validate(config)), compute_dtype=torch.float32)


@torch.no_grad()
def logits(network: nn.Module) -> torch.Tensor:
    return network(TOKENS).logits


@torch.no_grad()
def move(policy: Policy) -> None:
    for parameter in policy.network.parameters():
        if parameter.requires_grad:
            parameter += 0.05 * torch.randn_like(parameter)


def test_weights_that_cannot_be_trained_need_an_adapter(tmp_path):
    (tmp_path / "model.yaml").write_text("{name: some/model, quantize: 4bit}")
    with pytest.raises(ConfigError, match=r"quantize: 4bit holds weights .*; add lora: \{\}"):
        ModelConfig.from_tree(load_tree(tmp_path / "model.yaml"), source="recipe.yaml")


def test_a_missing_library_is_named_with_its_extra(folder, monkeypatch):
    monkeypatch.setattr("burnish.models.quantization._LIBRARY", "no_such_package")
    with pytest.raises(ModelError, match=r"pip install 'burnish\[quantize\]'"):
        policy_of(folder, "4bit")


def test_a_device_where_the_library_does_not_run_is_named(folder, monkeypatch):
    def refuse(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("no kernel")

    monkeypatch.setattr("burnish.models.quantization._LIBRARY", "torch")
    monkeypatch.setattr("burnish.models.loading.AutoModelForCausalLM.from_pretrained", refuse)
    with pytest.raises(ModelError, match=r"on the device cpu with model.quantize: 8bit.*no kernel"):
        policy_of(folder, "8bit")


@needs_library
@BITS
def test_linear_layers_are_quantised_and_the_output_layer_is_not(folder, bits):
    network = policy_of(folder, bits).network
    layers = {n for n, m in network.named_modules() if is_quantized(m)}
    assert len(layers) == 14
    assert all(name.endswith("_proj.base_layer") for name in layers)
    assert logits(network).std() > 0.1


@needs_library
@BITS
def test_merged_weights_compute_what_the_adapter_on_quantised_weights_does(folder, bits):
    policy = policy_of(folder, bits)
    policy.check()
    move(policy)
    merged = policy.sampling_network()
    torch.testing.assert_close(logits(merged), logits(policy.network), rtol=0, atol=1e-4)
    plain = tiny_model("llama", hidden_size=64).network
    assert merged.state_dict().keys() == plain.state_dict().keys()
    assert not [m for m in merged.modules() if is_quantized(m)]
    weights, expected = policy.sampling_weights(), merged.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


@needs_library
@BITS
def test_gradients_pass_through_quantised_weights_also_after_a_pass_without_gradients(folder, bits):
    policy = policy_of(folder, bits)
    move(policy)
    logits(policy.network)
    policy.network(TOKENS).logits.square().sum().backward()
    merged = policy.sampling_network()
    name = "model.layers.0.self_attn.q_proj"  # below everything else
    layer = policy.network.get_submodule(name)
    weight = merged.get_submodule(name).get_parameter("weight").requires_grad_(True)
    merged(TOKENS).logits.square().sum().backward()
    down = layer.get_parameter("lora_A.default.weight")
    up = layer.get_parameter("lora_B.default.weight").detach()
    assert weight.grad is not None
    assert down.grad is not None
    expected = up.T @ weight.grad * (32.0 / 4)
    largest = expected.abs().max().item()
    torch.testing.assert_close(down.grad, expected, rtol=0, atol=0.02 * largest)


@needs_library
@BITS
def test_a_saved_adapter_of_quantised_weights_comes_back_and_merges_into_a_plain_file(
    folder, bits, tmp_path
):
    lora = LORA.model_copy(update={"save_merged": True})
    policy = policy_of(folder, bits, lora=lora)
    move(policy)
    expected = logits(policy.network)
    policy.save(tmp_path / "adapter")
    again = policy_of(tmp_path / "adapter", bits)
    torch.testing.assert_close(logits(again.network), expected, rtol=0, atol=1e-5)
    merged = load(ModelConfig(name=str(tmp_path / "adapter" / "merged"))).network
    torch.testing.assert_close(logits(merged), expected, rtol=0, atol=1e-4)
