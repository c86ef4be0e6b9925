"""Saved adapters: a folder with adapter_config.json and the matrices, and no weights of the model.

It is what peft writes, so other tools' adapters are read as well, where they are plain LoRA.
"""

from __future__ import annotations

from pathlib import Path

import peft
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel

from burnish.errors import ModelError
from burnish.files.json_text import parse_json
from burnish.files.text import read_text
from burnish.models.config import LoraConfig
from burnish.models.lora import WEIGHTS_FILE, Adapters, targeted_layers

_CONFIG_FILE = "adapter_config.json"
_MORE_THAN_LORA = ("use_dora", "lora_bias", "modules_to_save", "trainable_token_indices")


def base_of(source: str) -> str | None:
    """The folder or hub id of the model below a saved adapter; None where `source` is none.

    Raises ModelError where the adapter does not say.
    """
    folder = Path(source)
    if (folder / "config.json").is_file() or not (folder / _CONFIG_FILE).is_file():
        return None
    try:
        told = parse_json(read_text(folder / _CONFIG_FILE))
    except (OSError, ValueError) as error:
        raise _without_base(folder, str(error)) from error
    base = told.get("base_model_name_or_path") if isinstance(told, dict) else None
    if not isinstance(base, str) or not base:
        raise _without_base(folder, f"it says {base!r:.80}")
    return base


def _without_base(folder: Path, reason: str) -> ModelError:
    return ModelError(
        f"adapter {folder}: its {_CONFIG_FILE} does not name its base model ({reason}). "
        'Write the folder or hub id there: "base_model_name_or_path": "...".'
    )


def continue_adapter(network: PreTrainedModel, folder: Path, lora: LoraConfig) -> Adapters:
    """Put a saved adapter on `network` (in place), to be trained on.

    Raises ModelError where it does not fit the network, or is of another shape than the recipe's.
    """
    wanted = set(targeted_layers(network, lora))
    adapters = _read(network, folder)
    rank, alpha = adapters.config.r, float(adapters.config.lora_alpha)
    if (rank, alpha) != (lora.rank, lora.alpha) or adapters.layer_names != wanted:
        raise ModelError(
            f"adapter {folder}: it has rank {rank}, alpha {alpha:g} and "
            f"{len(adapters.layer_names)} layers; model.lora asks for rank {lora.rank}, alpha "
            f"{lora.alpha:g} and {len(wanted)} layers. Give model.lora the adapter's values, or "
            "leave it out: then the adapter is merged into the weights."
        )
    return adapters


def merged_network(network: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The network with a saved adapter in its weights, all of which can be trained again."""
    return _read(network, folder).merged_network().requires_grad_(True)


def _read(network: PreTrainedModel, folder: Path) -> Adapters:
    try:
        config = peft.PeftConfig.from_pretrained(str(folder))
        weights = load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise ModelError(f"adapter {folder}: cannot be read ({error})") from error
    _require_plain_lora(config, folder)
    assert isinstance(config, peft.LoraConfig)
    config.inference_mode = False
    try:
        adapters = Adapters(network, config)
        differing = adapters.read(weights)
    except (ValueError, RuntimeError) as error:
        raise ModelError(_misfit(folder, network, str(error))) from error
    if differing:
        raise ModelError(_misfit(folder, network, f"{min(differing)} is in one of them only"))
    return adapters


def _require_plain_lora(config: peft.PeftConfig, folder: Path) -> None:
    settings = config.to_dict()
    more = [name for name in _MORE_THAN_LORA if settings.get(name)]
    more += ["bias"] if settings.get("bias", "none") != "none" else []
    if isinstance(config, peft.LoraConfig) and not more:
        return
    found = f"LoRA with {', '.join(more)}" if more else str(config.peft_type)
    raise ModelError(
        f"adapter {folder}: it is {found}, of which only plain LoRA is known here. Merge it into "
        "the model with peft's `merge_and_unload` and name the merged model."
    )


def _misfit(folder: Path, network: PreTrainedModel, reason: str) -> str:
    return (
        f"adapter {folder}: it does not fit {type(network).__name__} ({' '.join(reason.split())}). "
        'Correct "base_model_name_or_path" in its adapter_config.json.'
    )
