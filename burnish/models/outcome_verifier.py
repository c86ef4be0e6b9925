"""A model that judges finished answers: ReFT's reward model for reranking (arXiv:2401.08967).

A language model's backbone and a linear layer with two classes, wrong (0) and correct (1), read
at the last token. The network is transformers' own `...ForSequenceClassification` of the family,
so other tools load a saved verifier as it is. We differ from that class in one thing: which token
is the last one is told by the batch, not guessed from the padding id.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from burnish.errors import ModelError
from burnish.models.config import LoraConfig
from burnish.models.loading import LoadedModel, own_weights
from burnish.models.lora import Adapters, add_adapter
from burnish.models.saving import complete_folder, write_layout
from burnish.models.token_batch import TokenBatch
from burnish.models.tokenizer import read_tokenizer

_CLASSES = {0: "wrong", 1: "correct"}


class OutcomeVerifier:
    """A two-class network and its tokenizer. Like the policy it runs without dropout."""

    def __init__(
        self,
        network: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        compute_dtype: torch.dtype,
        adapters: Adapters | None = None,
    ) -> None:
        """`compute_dtype`: dtype of the backbone's matrix products; the head is in float32.

        `adapters`: what is trained of the backbone, where it is not all of it.
        """
        self._adapters = adapters
        self.network: PreTrainedModel = network.eval()
        self.tokenizer: PreTrainedTokenizerBase = tokenizer
        self._compute_dtype = compute_dtype
        self._trunk: nn.Module = network.base_model
        self._head = _head(network)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.device

    def logits(self, batch: TokenBatch) -> Float[Tensor, "B 2"]:
        """Unnormalised log-probabilities of wrong and correct, read at each row's last token."""
        enabled = self._compute_dtype is not torch.float32
        with torch.autocast(self.device.type, self._compute_dtype, enabled=enabled):
            output = self._trunk(
                input_ids=batch.token_ids,
                attention_mask=batch.is_real.long(),
                position_ids=batch.position_ids,
                use_cache=False,
            )
        rows = torch.arange(batch.token_ids.shape[0], device=self.device)
        last = batch.is_real.sum(dim=1) - 1
        hidden = output.last_hidden_state[rows, last]
        return functional.linear(hidden.float(), self._head.weight.float())

    def save(self, folder: Path) -> None:
        """Write it in the Hugging Face layout, loadable as `AutoModelForSequenceClassification`.

        Adapters are merged into the weights.
        """
        network = self.network if self._adapters is None else self._adapters.merged_network()
        with complete_folder(folder) as partial:
            write_layout(network, self.tokenizer, partial)


def start_verifier(
    start: LoadedModel, *, compute_dtype: torch.dtype, lora: LoraConfig | None = None
) -> OutcomeVerifier:
    """A verifier with the backbone of a language model and a random head (torch's generator).

    With `lora`, its head and an adapter on the backbone are trained. Raises ModelError where
    transformers has no such class for the family, or the vocabulary is trimmed.
    """
    if start.trimmed is not None:
        raise ModelError(
            "a verifier cannot start from a model with a trimmed vocabulary: it reads texts with "
            "the full tokenizer. Load the model with trim_vocabulary off."
        )
    config = copy.deepcopy(start.network.config)
    config.id2label, config.label2id = _CLASSES, {name: i for i, name in _CLASSES.items()}
    try:
        network = AutoModelForSequenceClassification.from_config(config, dtype=start.network.dtype)
        network.base_model.load_state_dict(start.network.base_model.state_dict())
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"a verifier cannot start from {type(start.network).__name__}: transformers has no "
            f"text classifier with the same backbone ({' '.join(str(error).split())[:200]}). "
            "Start from a Llama, Qwen, Gemma, Mistral or GPT-2 type model."
        ) from error
    adapters = None
    if lora is not None:
        head = _head(network)
        adapters = add_adapter(network, lora, output_layer=head)
        head.requires_grad_(True)
    return OutcomeVerifier(network, start.tokenizer, compute_dtype=compute_dtype, adapters=adapters)


def load_verifier(folder: Path, *, compute_dtype: torch.dtype = torch.float32) -> OutcomeVerifier:
    """A verifier that `OutcomeVerifier.save` wrote, on the CPU.

    Raises ModelError where the folder holds none, such as where it holds a language model.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"verifier {folder}: there is no config.json in it. Name the folder of a trained "
            "reranker, such as RUN/stages/02-reranker/selected."
        )
    try:
        _check_kind(folder)
        tokenizer = read_tokenizer(str(folder), trust_remote_code=False)
        loaded = AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ModelError(f"verifier {folder}: cannot be loaded ({error})") from error
    network, report = cast("tuple[PreTrainedModel, dict[str, set[str]]]", loaded)
    if report["missing_keys"]:
        raise ModelError(
            f"verifier {folder}: its files lack {len(report['missing_keys'])} of the network's "
            f"weights, such as {min(report['missing_keys'])}. They would be random."
        )
    own_weights(network)
    return OutcomeVerifier(network, tokenizer, compute_dtype=compute_dtype)


def _check_kind(folder: Path) -> None:
    """A language model's folder would load, too, with a random head."""
    config = AutoConfig.from_pretrained(folder)
    kinds = config.architectures or ["model of unknown class"]
    if kinds[0].endswith("ForSequenceClassification") and config.num_labels == len(_CLASSES):
        return
    raise ModelError(
        f"verifier {folder}: it holds a {kinds[0]} and no classifier with two classes. Train one "
        "with `method: {type: reranker}` and name its folder."
    )


def _head(network: PreTrainedModel) -> nn.Linear:
    """The layer that decoder-only classifiers of transformers call `score`."""
    head = dict(network.named_children()).get("score")
    if not isinstance(head, nn.Linear) or head.bias is not None:
        raise ModelError(
            f"{type(network).__name__} has no linear layer `score`, as transformers' classifiers "
            "of decoder-only models do. Start from a Llama, Qwen, Gemma or GPT-2 type model."
        )
    return head
