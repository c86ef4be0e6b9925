"""From a name to a network and tokenizer that training can rely on, and back to a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from transformers import (
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

import burnish
from burnish.errors import ModelError
from burnish.models.adapter_folder import base_of, continue_adapter, merged_network
from burnish.models.config import LoraConfig, ModelConfig
from burnish.models.foreign_files import library_errors, require_safe_files, wants_code
from burnish.models.gguf import gemma_folder
from burnish.models.lora import Adapters, add_adapter
from burnish.models.quantization import quantization
from burnish.models.saving import complete_folder, write_layout
from burnish.models.tokenizer import prepare_tokenizer, read_tokenizer
from burnish.models.trimming import TrimmedVocabulary, trim

_CPU = torch.device("cpu")
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

transformers_logging.disable_progress_bar()  # runs have a display of their own


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A causal language model with the tokenizer that belongs to it.

    Attributes:
        network: in evaluation mode (no dropout), with V or, trimmed, K rows; on the CPU, unless it
            is quantised.
        tokenizer: has EOS and a padding token of its own; its ids fit the network.
        trimmed: what was cut away, where the vocabulary is trimmed.
        adapters: what is trained instead of the network's weights, where there are adapters.
        saves_merged: with an adapter, also save a copy that has it in its weights.
    """

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    trimmed: TrimmedVocabulary | None = None
    adapters: Adapters | None = None
    saves_merged: bool = False

    def save(self, folder: Path) -> None:
        """Write the model, with its full vocabulary, in the Hugging Face layout; or its adapter.

        `folder` is complete or as it was before. Raises CheckpointError where writing fails.
        """
        with complete_folder(folder) as partial:
            if self.adapters is None:
                self._write(self.network, partial)
                return
            self.adapters.write(partial)
            tokenizer = self.tokenizer if self.trimmed is None else self.trimmed.tokenizer
            tokenizer.save_pretrained(partial)
            if self.saves_merged:
                self._write(self.adapters.merged_network(), partial / "merged")

    def _write(self, network: PreTrainedModel, folder: Path) -> None:
        if self.trimmed is None:
            write_layout(network, self.tokenizer, folder)
            return
        state = self.trimmed.full_state(network.state_dict())
        write_layout(network, self.trimmed.tokenizer, folder, state=state)
        self.trimmed.config.save_pretrained(folder)
        if self.trimmed.generation_config is not None:
            self.trimmed.generation_config.save_pretrained(folder)


def load(
    config: ModelConfig,
    *,
    texts: Iterable[str] = (),
    seed: int = 0,
    device: torch.device = _CPU,
) -> LoadedModel:
    """Load and check a model, or an adapter with the model below it.

    Without `config.lora`, an adapter becomes part of the weights.

    Args:
        config: which model, and how.
        texts: everything that will be tokenised (prompts, targets), as it will be tokenised; only
            read where `config.trim_vocabulary` is set.
        seed: of a new adapter's random half.
        device: where the network will be; quantised weights are put there at once.

    Raises ModelError, with what to do, where the model cannot be found, read or trained.
    """
    source = _source(config)
    base = base_of(source)
    if base is None:
        network, tokenizer = _read(config, source, tokenizer_source=source, device=device)
    else:
        below = config.model_copy(update={"name": base})
        network, tokenizer = _read(below, _source(below), tokenizer_source=source, device=device)
        # The tokenizer's padding may have been added to it when the adapter was trained.
        config = config.model_copy(update={"pad_token": config.pad_token or tokenizer.pad_token})
    prepare_tokenizer(tokenizer, network, config)
    network.eval()
    trimmed = None
    if config.trim_vocabulary:
        tokenizer, trimmed = trim(network, tokenizer, texts)
    loaded = LoadedModel(network, tokenizer, trimmed)
    adapter = None if base is None else Path(source)
    return _adapted(loaded, config.lora, adapter=adapter, base=base or source, seed=seed)


def _adapted(
    loaded: LoadedModel, lora: LoraConfig | None, *, adapter: Path | None, base: str, seed: int
) -> LoadedModel:
    """The model with the saved adapter, if any, and one to train, if asked for."""
    network = loaded.network
    if lora is None and adapter is None:
        return loaded
    if lora is None:
        assert adapter is not None
        return replace(loaded, network=merged_network(network, adapter))
    if adapter is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            adapters = add_adapter(network, lora, base=base)
    else:
        adapters = continue_adapter(network, adapter, lora)
    return replace(loaded, adapters=adapters, saves_merged=lora.save_merged)


def _read(
    config: ModelConfig, source: str, *, tokenizer_source: str, device: torch.device
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The network, whole, and the tokenizer. Raises ModelError."""
    dtype = _DTYPES[config.dtype]
    quantized = {}
    if config.quantize is not None:
        quantized["quantization_config"] = quantization(config.quantize, compute_dtype=dtype)
        quantized["device_map"] = {"": device}
    for folder in {Path(source), Path(tokenizer_source)}:
        require_safe_files(folder, name=config.name, allow_pickle=config.allow_pickle)
    with library_errors(lambda error: _unreadable(config, device, error)):
        tokenizer = read_tokenizer(tokenizer_source, trust_remote_code=config.trust_remote_code)
        loaded = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            use_safetensors=None if config.allow_pickle else True,
            weights_only=True,
            trust_remote_code=config.trust_remote_code,
            output_loading_info=True,
            **quantized,
        )
    network, report = cast("tuple[PreTrainedModel, dict[str, set[str]]]", loaded)
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise ModelError(
            f"model {config.name}: its files lack {len(missing)} of the network's weights, such as "
            f"{missing[0]}. They would be random. It is no causal language model, or incomplete."
        )
    if "peft_config" in vars(network):
        raise ModelError(
            f"model {config.name}: it is an adapter on the hub, or one with a whole model in its "
            "folder. Download it, and name a folder that holds the adapter alone."
        )
    own_weights(network)
    return network, tokenizer


def own_weights(network: PreTrainedModel) -> None:
    """Copy weights that are still a view of the file.

    They would change with it, and they lie at any address, on which the last bits of a matrix
    product depend: one model in memory and in two files would be three models.
    """
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.is_floating_point():  # quantised ones were computed and are no view
                parameter.data = parameter.data.clone()


def _source(config: ModelConfig) -> str:
    """The folder or hub id that `config.name` stands for. Raises ModelError if it is missing."""
    if config.name == "gemma3-270m":
        return str(gemma_folder(config.cache_folder))
    if config.name.startswith("builtin:"):
        return str(_builtin_folder(config.name))
    folder = Path(config.name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and base_of(str(folder)) is None:
            raise ModelError(
                f"model {config.name}: the folder has no config.json, so it is no model in the "
                "Hugging Face layout. Name the folder that holds config.json and the weights, or "
                "that of an adapter."
            )
        return str(folder.absolute())
    if folder.is_absolute() or config.name.startswith((".", "~")) or config.name.count("/") > 1:
        raise ModelError(
            f"model {config.name}: there is no such folder. Give an existing one, a hub id such as "
            "Qwen/Qwen3-0.6B-Base, builtin:arithmetic or gemma3-270m."
        )
    return config.name


def _builtin_folder(name: str) -> Path:
    assets = Path(burnish.__file__).parent / "assets"
    folders = {f"builtin:{path.parent.name}": path.parent for path in assets.glob("*/config.json")}
    if name not in folders:
        known = ", ".join(sorted(folders)) or "none"
        raise ModelError(f"model {name}: not in this installation. Built in: {known}.")
    return folders[name]


def _unreadable(config: ModelConfig, device: torch.device, error: Exception) -> str:
    reason = " ".join(str(error).split())
    if len(reason) > 400:
        reason = f"{reason[:400]}..."
    if wants_code(error):
        return (
            f"model {config.name}: it brings Python code of its own, which is not run unless you "
            "ask for it. Read that code (auto_map in its config.json names it), then set "
            "model.trust_remote_code: true; or use a model whose class transformers knows."
        )
    if config.quantize is not None:
        return (
            f"model {config.name}: cannot be loaded on the device {device.type} with "
            f"model.quantize: {config.quantize}. Try without it; if that works, this version of "
            f"bitsandbytes does not run there. The library says: {reason}"
        )
    return (
        f"model {config.name}: cannot be loaded. A folder must hold config.json, a tokenizer and "
        "*.safetensors weights; any other name is looked up on the hub, which needs a network "
        f"connection and, for some models, `hf auth login`. The library says: {reason}"
    )
