"""Networks with a linear layer `score` on the last state, as `transformers` has for each family.

Its `...ForSequenceClassification`, so that other tools load a saved judge as it is. Which token is
the last one is told by the batch, not guessed from the padding id.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from burnish.errors import ModelError
from burnish.models.foreign_files import library_errors, require_safe_files
from burnish.models.loading import LoadedModel, own_weights
from burnish.models.tokenizer import read_tokenizer


def classifier_from(start: LoadedModel, outputs: Sequence[str], *, name: str) -> PreTrainedModel:
    """A network with the backbone of a language model and a random head (torch's generator).

    Args:
        outputs: what each number of the head is about.
        name: what the network is for, in messages ("a verifier").

    Raises ModelError where transformers has no such class for the family, or the vocabulary is
    trimmed.
    """
    if start.trimmed is not None:
        raise ModelError(
            f"{name} cannot start from a model with a trimmed vocabulary: it reads texts with "
            "the full tokenizer. Load the model with trim_vocabulary off."
        )
    config = copy.deepcopy(start.network.config)
    config.id2label = dict(enumerate(outputs))
    config.label2id = {output: place for place, output in enumerate(outputs)}
    try:
        network = AutoModelForSequenceClassification.from_config(config, dtype=start.network.dtype)
        network.base_model.load_state_dict(start.network.base_model.state_dict())
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{name} cannot start from {type(start.network).__name__}: transformers has no "
            f"text classifier with the same backbone ({' '.join(str(error).split())[:200]}). "
            "Start from a Llama, Qwen, Gemma, Mistral or GPT-2 type model."
        ) from error
    return network


def load_classifier(
    folder: Path, *, name: str, num_outputs: int, wanted: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A saved classifier and its tokenizer, on the CPU.

    Args:
        name: what it is, in messages ("verifier").
        num_outputs: numbers of its head; another network is refused.
        wanted: what the folder should hold, and how to make it.

    Raises ModelError where the folder holds none, such as where it holds a language model.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"{name} {folder}: there is no config.json in it. {wanted}")
    require_safe_files(folder, name=str(folder), allow_pickle=False)
    with library_errors(lambda error: f"{name} {folder}: cannot be loaded ({_excerpt(error)})"):
        _require_classifier(folder, name=name, num_outputs=num_outputs, wanted=wanted)
        tokenizer = read_tokenizer(str(folder), trust_remote_code=False)
        loaded = AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    network, report = cast("tuple[PreTrainedModel, dict[str, set[str]]]", loaded)
    if report["missing_keys"]:
        raise ModelError(
            f"{name} {folder}: its files lack {len(report['missing_keys'])} of the network's "
            f"weights, such as {min(report['missing_keys'])}. They would be random."
        )
    own_weights(network)
    return network, tokenizer


def head_of(network: PreTrainedModel) -> nn.Linear:
    """The layer that decoder-only classifiers of transformers call `score`."""
    head = dict(network.named_children()).get("score")
    if not isinstance(head, nn.Linear) or head.bias is not None:
        raise ModelError(
            f"{type(network).__name__} has no linear layer `score`, as transformers' classifiers "
            "of decoder-only models do. Start from a Llama, Qwen, Gemma or GPT-2 type model."
        )
    return head


def _excerpt(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def _require_classifier(folder: Path, *, name: str, num_outputs: int, wanted: str) -> None:
    """A language model's folder would load, too, with a random head."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    kinds = config.architectures or ["model of unknown class"]
    if kinds[0].endswith("ForSequenceClassification") and config.num_labels == num_outputs:
        return
    raise ModelError(
        f"{name} {folder}: it holds a {kinds[0]} and no classifier with {num_outputs} "
        f"output{'' if num_outputs == 1 else 's'}. {wanted}"
    )
