"""Nothing in a model's folder runs, leads elsewhere or ends in a stack trace."""

from __future__ import annotations

import contextlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from burnish.errors import ModelError
from burnish.models.classifier import load_classifier
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.models.tiny import tiny_model

CODE = 'from pathlib import Path\nPath(__file__).with_name("ran").write_text("")\n'
MAP = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "model"
    tiny_model("llama", seed=3).save(folder)
    return folder


def refusal(folder: Path, **options: bool) -> str:
    with pytest.raises(ModelError) as caught:
        load(ModelConfig(name=str(folder), **options))  # type: ignore[arg-type]
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "adapter_model.bin"])
def test_weights_that_are_only_a_pickle_are_refused_unread(saved, tmp_path, name):
    (saved / "model.safetensors").unlink()
    (saved / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    assert "model.allow_pickle: true" in refusal(saved)
    assert not (tmp_path / "ran").exists()


def test_an_allowed_pickle_of_weights_is_read(saved):
    weights = load_file(saved / "model.safetensors")
    (saved / "model.safetensors").unlink()
    torch.save(weights, saved / "pytorch_model.bin")
    network = load(ModelConfig(name=str(saved), allow_pickle=True)).network
    assert all(torch.equal(network.state_dict()[name], weights[name]) for name in weights)


def test_an_allowed_pickle_still_runs_no_code(saved, tmp_path):
    (saved / "model.safetensors").unlink()
    torch.save({"a": Bomb(tmp_path / "ran")}, saved / "pytorch_model.bin")
    assert "cannot be loaded" in refusal(saved, allow_pickle=True)
    assert not (tmp_path / "ran").exists()


def test_safetensors_are_read_where_a_pickle_lies_beside_them(saved, tmp_path):
    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    load(ModelConfig(name=str(saved), allow_pickle=True))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_a_model_is_not_run_unless_asked(saved, file):
    (saved / "own.py").write_text(CODE)
    config = json.loads((saved / file).read_text())
    maps = MAP if file == "config.json" else {"AutoTokenizer": ["own.Tokenizer", None]}
    changes = {"model_type": "own", "auto_map": maps, "tokenizer_class": "OwnTokenizer"}
    (saved / file).write_text(json.dumps(config | changes))
    if file == "tokenizer_config.json":
        (saved / "tokenizer.json").unlink()
    assert "trust_remote_code" in refusal(saved)
    assert not (saved / "ran").exists()


def test_code_of_a_classifier_is_not_run_and_nobody_is_asked(saved, monkeypatch):
    config = json.loads((saved / "config.json").read_text())
    (saved / "own.py").write_text(CODE)
    changed = config | {"model_type": "own", "auto_map": MAP}
    (saved / "config.json").write_text(json.dumps(changed))
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked on the terminal"))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_classifier(saved, name="verifier", num_outputs=1, wanted="Another one.")
    assert not (saved / "ran").exists()


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", 3])
def test_shards_outside_the_folder_are_refused(saved, shard):
    index = saved / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard}}))
    assert "which is no file of the folder" in refusal(saved)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 5000])
def test_an_index_that_is_none_is_named(saved, content):
    (saved / "model.safetensors.index.json").write_bytes(content)
    assert "model.safetensors.index.json" in refusal(saved)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', b"\xff\xfe", b"[" * 9000])
def test_a_damaged_file_is_one_error(saved, file, content):
    (saved / file).write_bytes(content)
    with contextlib.suppress(ModelError):  # some files are optional
        load(ModelConfig(name=str(saved)))


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": "abc"},
        {"hidden_size": -1},
        {"num_hidden_layers": None},
        {"model_type": [1]},
        {"vocab_size": 0},
        {"hidden_size": 10**30},
    ],
)
def test_a_config_of_nonsense_is_one_error(saved, changes):
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | changes))
    refusal(saved)


@pytest.mark.parametrize("name", ["builtin:../assets/arithmetic", "builtin:/etc", "builtin:."])
def test_a_builtin_model_is_one_of_the_package(name):
    with pytest.raises(ModelError, match="not in this installation"):
        load(ModelConfig(name=name))
