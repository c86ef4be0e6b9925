import pytest
import torch

from burnish.models.tiny import byte_fallback_tokenizer, byte_level_tokenizer, tiny_model

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")


def rows(model):
    return model.network.get_input_embeddings().get_parameter("weight")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seed_makes_a_network_and_leaves_the_global_generator_alone(family):
    state = torch.get_rng_state()
    first, again, other = (rows(tiny_model(family, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_are_distinct_and_in_the_configuration(family):
    model = tiny_model(family)
    tokenizer, config = model.tokenizer, model.network.config
    ids = [tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id]
    assert ids == [config.pad_token_id, config.eos_token_id, config.bos_token_id] == [0, 1, 2]


@pytest.mark.parametrize("make", [byte_level_tokenizer, byte_fallback_tokenizer])
def test_every_text_decodes_to_itself(make):
    tokenizer = make()
    text = "Ada has 12 apples,\n\tnaïve 🙂 and 你好"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer.unk_token_id not in ids


def test_gemma_has_a_short_sliding_window_and_full_attention():
    config = tiny_model("gemma3").network.config
    assert config.layer_types == ["sliding_attention", "full_attention"]
    assert config.sliding_window == 8
