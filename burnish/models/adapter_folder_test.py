from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from burnish.errors import ModelError
from burnish.models.config import LoraConfig, ModelConfig
from burnish.models.loading import LoadedModel, load
from burnish.models.tiny import Family, tiny_model

FAMILIES: tuple[Family, ...] = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")
LORA = LoraConfig(rank=4)
TEXTS = ["Ada has 12 apples and gives 5 of them to Ben.", "12 - 5 = 7"]


@torch.no_grad()
def trained(base: Path, **settings) -> LoadedModel:
    """A model of which the adapter was moved, as by training."""
    config = ModelConfig.model_validate({"name": str(base), "lora": LORA} | settings)
    model = load(config, texts=TEXTS, seed=3)
    torch.manual_seed(4)
    for parameter in model.network.parameters():
        if parameter.requires_grad:
            parameter += 0.05 * torch.randn_like(parameter)
    return model


@pytest.fixture
def base(tmp_path):
    tiny_model("llama").save(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def saved(base, tmp_path):
    trained(base).save(tmp_path / "adapter")
    return tmp_path / "adapter"


@torch.no_grad()
def logits(network: torch.nn.Module, ids: list[int] | None = None) -> torch.Tensor:
    return network(input_ids=torch.tensor([ids or list(range(5, 25))])).logits


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_adapter_is_the_same_to_us_to_transformers_and_to_peft(family, tmp_path):
    tiny_model(family).save(tmp_path / "base")
    model = trained(tmp_path / "base")
    expected = logits(model.network)
    model.save(tmp_path / "adapter")
    again = load(ModelConfig(name=str(tmp_path / "adapter"), lora=LORA))
    assert torch.equal(logits(again.network), expected)
    assert_close(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "adapter")), expected)
    assert_close(logits(AutoPeftModelForCausalLM.from_pretrained(tmp_path / "adapter")), expected)
    assert not torch.allclose(logits(tiny_model(family).network), expected, atol=0.1)


def test_the_folder_holds_the_adapter_and_the_tokenizer_and_not_the_weights(saved, base):
    names = {path.name for path in saved.iterdir()}
    wanted = {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"}
    assert names == wanted | {"tokenizer_config.json"}
    assert {k.split(".")[-2] for k in load_file(saved / "adapter_model.safetensors")} == {
        "lora_A",
        "lora_B",
    }
    config = json.loads((saved / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)
    assert config["target_modules"] == sorted(config["target_modules"])


def test_a_merged_copy_is_written_on_request(base, tmp_path):
    lora = LORA.model_copy(update={"save_merged": True})
    model = trained(base, lora=lora)
    model.save(tmp_path / "adapter")
    expected = logits(model.network)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "adapter" / "merged")
    assert_close(logits(merged), expected)
    assert not (tmp_path / "adapter" / "merged" / "adapter_config.json").exists()
    assert torch.equal(
        logits(load(ModelConfig(name=str(tmp_path / "adapter"), lora=LORA)).network), expected
    )


def test_without_lora_an_adapter_becomes_part_of_the_weights(base, saved):
    merged = load(ModelConfig(name=str(saved)))
    assert merged.adapters is None
    assert_close(logits(merged.network), logits(trained(base).network))
    assert all(parameter.requires_grad for parameter in merged.network.parameters())
    assert merged.network.state_dict().keys() == tiny_model("llama").network.state_dict().keys()


def test_an_adapter_of_a_trimmed_model_fits_the_full_one(base, tmp_path):
    small = trained(base, trim_vocabulary=True)
    assert small.trimmed is not None
    small.save(tmp_path / "adapter")
    full = load(ModelConfig(name=str(tmp_path / "adapter"), lora=LORA))
    ids = small.tokenizer(TEXTS[0])["input_ids"]
    full_ids = full.tokenizer(TEXTS[0])["input_ids"]
    assert ids != full_ids
    ours, theirs = logits(small.network, ids), logits(full.network, full_ids)
    assert_close(theirs[..., small.trimmed.kept_ids], ours)

    config = ModelConfig(name=str(tmp_path / "adapter"), lora=LORA, trim_vocabulary=True)
    again = load(config, texts=TEXTS)
    assert torch.equal(logits(again.network, ids), ours)


def test_a_merged_copy_of_a_trimmed_model_has_the_full_vocabulary(base, tmp_path):
    lora = LORA.model_copy(update={"save_merged": True})
    small = trained(base, trim_vocabulary=True, lora=lora)
    small.save(tmp_path / "adapter")
    merged = load(ModelConfig(name=str(tmp_path / "adapter" / "merged")))
    full = load(ModelConfig(name=str(tmp_path / "adapter"), lora=LORA))
    assert_close(logits(merged.network), logits(full.network))


def test_padding_that_was_added_to_the_tokenizer_is_added_again(base, tmp_path):
    model = trained(base, pad_token="<padding>")
    model.save(tmp_path / "adapter")
    again = load(ModelConfig(name=str(tmp_path / "adapter"), lora=LORA))
    assert again.tokenizer.pad_token == "<padding>"
    assert torch.equal(logits(again.network), logits(model.network))


def test_new_adapters_depend_on_the_seed_alone(base):
    config = ModelConfig(name=str(base), lora=LORA)
    state = torch.get_rng_state()
    first = load(config, seed=1).network.state_dict()
    torch.rand(3)
    again, other = (load(config, seed=seed).network.state_dict() for seed in (1, 2))
    name = "model.layers.0.mlp.up_proj.lora_A.default.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])
    torch.set_rng_state(state)


def refusal(folder: Path, lora: LoraConfig | None = LORA) -> str:
    with pytest.raises(ModelError) as caught:
        load(ModelConfig(name=str(folder), lora=lora))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(folder: Path, **settings) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    "other", [{"rank": 8}, {"rank": 4, "alpha": 8}, {"rank": 4, "targets": ["q_proj"]}]
)
def test_an_adapter_of_another_shape_is_not_continued(saved, other):
    message = refusal(saved, LoraConfig.model_validate(other))
    assert "it has rank 4, alpha 32 and 14 layers; model.lora asks for rank" in message


def test_more_than_plain_lora_is_refused(saved):
    change(saved, use_dora=True)
    assert "LoRA with use_dora" in refusal(saved)
    change(saved, use_dora=False, bias="all")
    assert "LoRA with bias" in refusal(saved, None)


def test_a_missing_base_model_is_named(saved, tmp_path):
    change(saved, base_model_name_or_path=str(tmp_path / "gone"))
    assert f"{tmp_path / 'gone'}: there is no such folder" in refusal(saved)
    (saved / "adapter_config.json").write_text("{}")
    assert "does not name its base model" in refusal(saved)


def test_an_adapter_of_another_model_is_refused(saved, tmp_path):
    tiny_model("llama", num_layers=3).save(tmp_path / "other")
    change(saved, base_model_name_or_path=str(tmp_path / "other"))
    assert "does not fit LlamaForCausalLM" in refusal(saved)
    tiny_model("llama", hidden_size=64).save(tmp_path / "wider")
    change(saved, base_model_name_or_path=str(tmp_path / "wider"))
    assert "does not fit LlamaForCausalLM" in refusal(saved, None)


def test_a_damaged_adapter_is_named(saved):
    (saved / "adapter_model.safetensors").write_bytes(b"damaged")
    assert f"adapter {saved}: cannot be read" in refusal(saved)


def test_an_adapter_beside_a_whole_model_is_refused(saved, base):
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (base / name).write_bytes((saved / name).read_bytes())
    assert "a folder that holds the adapter alone" in refusal(base)
