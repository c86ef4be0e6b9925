from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from burnish.rollout.conftest import CONFIGS, build_network
from burnish.rollout.decoder import FusedDecoder, ModuleDecoder, decoder_for
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.fused import blocks
from burnish.rollout.fused.blocks import Product
from burnish.rollout.fused.trunk import FusedTrunk
from burnish.rollout.local import LocalEngine
from burnish.rollout.replica import copy_in

SHAPE: dict[str, Any] = {
    "vocab_size": 72,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_but_gpt2_is_fused(family):
    decoder = decoder_for(copy_in(build_network(family), torch.float32))

    assert isinstance(decoder, ModuleDecoder if family == "gpt2" else FusedDecoder)


def test_a_head_that_is_turned_in_part_goes_through_the_modules():
    network: Any = copy_in(build_network("llama"), torch.float32)
    half_a_head = torch.ones(1, 1, 4)
    network.base_model.rotary_emb.forward = lambda *_: (half_a_head, half_a_head)

    assert isinstance(decoder_for(network), ModuleDecoder)


def test_packing_leaves_the_modules_as_they_were():
    network = build_network("qwen2")
    tokens = torch.tensor([[3, 4, 5, 6]])
    packed: Any = copy_in(network, torch.float32)
    packed.set_attn_implementation("eager")

    FusedTrunk(packed)

    with torch.no_grad():
        assert torch.allclose(packed(tokens).logits, network(tokens).logits, atol=1e-5)
    layer = packed.base_model.layers[0].self_attn
    storages = {p.weight.untyped_storage().data_ptr() for p in (layer.q_proj, layer.v_proj)}
    assert len(storages) == 1


@pytest.mark.parametrize("family", [name for name in CONFIGS if name != "gpt2"])
def test_sync_reaches_products_biases_and_norms(family, tokenizer):
    old, new = build_network(family, seed=0), build_network(family, seed=1)
    with torch.no_grad():
        for name, parameter in new.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.uniform_(0.5, 1.5)
    engine = LocalEngine(old, tokenizer, dtype=torch.float32)
    requests = [Request((3, 4, 5), (0, 1))]

    engine.sync(new.state_dict())

    expected = LocalEngine(new, tokenizer).sample(requests, SamplingParams(12))
    (found,), (wanted,) = engine.sample(requests, SamplingParams(12)), expected
    assert [c.token_ids for c in found] == [c.token_ids for c in wanted]
    assert found[0].logp == pytest.approx(wanted[0].logp, abs=1e-4)


def test_biases_of_the_output_and_the_mlp_are_added(tokenizer):
    torch.manual_seed(0)
    config = LlamaConfig(
        **SHAPE,
        attention_bias=True,
        mlp_bias=True,
        initializer_range=0.3,
        eos_token_id=1,
    )
    network = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "bias" in name:
                parameter.normal_()
    requests = [Request((3, 4, 5), (0,))]

    found = LocalEngine(network, tokenizer, dtype=torch.float32).sample(requests, SamplingParams(9))

    expected = LocalEngine(network, tokenizer).sample(requests, SamplingParams(9))
    assert found[0][0].token_ids == expected[0][0].token_ids
    assert found[0][0].logp == pytest.approx(expected[0][0].logp, abs=1e-4)


def test_bfloat16_stays_close_to_float32(tokenizer):
    config = Qwen2Config(**SHAPE, eos_token_id=1)
    torch.manual_seed(0)
    network = Qwen2ForCausalLM(config).eval()
    requests = [Request((3, 4, 5), tuple(range(8)))]

    low = LocalEngine(network, tokenizer, dtype=torch.bfloat16)
    (group,) = low.sample(requests, SamplingParams(20))

    for completion in group:
        tokens = torch.tensor([completion.prompt_ids + completion.token_ids])
        with torch.no_grad():
            logp = network(tokens).logits[0, 2:-1].log_softmax(-1)
        expected = logp.gather(1, tokens[0, 3:, None])[:, 0].tolist()
        assert completion.logp == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("bias", [None, torch.ones(1024, dtype=torch.bfloat16)])
def test_a_kept_product_is_the_plain_one_and_follows_its_weight(bias):
    torch.manual_seed(0)
    weight, x = torch.randn(1024, 512).bfloat16(), torch.randn(7, 512).bfloat16()
    product = Product(weight, bias)
    for _ in range(2):
        expected = torch.nn.functional.linear(x, weight, bias)
        torch.testing.assert_close(product(x), expected, atol=0.1, rtol=0.01)
        weight.mul_(-2.0)
        product.refresh()


@pytest.mark.parametrize("family", [name for name in CONFIGS if name != "gpt2"])
def test_sync_reaches_kept_products(family, tokenizer, monkeypatch):
    monkeypatch.setattr(blocks, "KEPT_FROM", 1)
    old, new = build_network(family, seed=0), build_network(family, seed=1)
    engine = LocalEngine(old, tokenizer, dtype=torch.bfloat16)
    requests = [Request((3, 4, 5), (0, 1))]
    engine.sample(requests, SamplingParams(12))

    engine.sync(new.state_dict())

    expected = LocalEngine(new, tokenizer, dtype=torch.bfloat16)
    (found,), (wanted,) = (e.sample(requests, SamplingParams(12)) for e in (engine, expected))
    assert [c.token_ids for c in found] == [c.token_ids for c in wanted]
