"""From a name to a network and tokenizer that training can rely on, and back to a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from burnish.models.config import ModelConfig
from burnish.models.gguf import gemma_folder
from burnish.models.saving import save_hugging_face_layout


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network with its tokenizer."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def save(self, folder: Path) -> None:
        save_hugging_face_layout(self.network, self.tokenizer, folder)


def load(config: ModelConfig, *, texts: Iterable[str] = ()) -> LoadedModel:
    source = gemma_folder(config.cache_folder) if config.name == "gemma3-270m" else config.name
    network = AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, config.dtype), use_safetensors=True)
    return LoadedModel(network, AutoTokenizer.from_pretrained(source))
