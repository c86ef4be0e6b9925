"""A model that judges finished answers: ReFT's reward model for reranking (arXiv:2401.08967).

A language model's backbone and a linear layer with two classes, wrong (0) and correct (1), read
at the last token. The network is transformers' own `...ForSequenceClassification` of the family,
so other tools load a saved verifier as it is. We differ from that class in one thing: which token
is the last one is told by the batch, not guessed from the padding id.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from burnish.models.classifier import classifier_from, head_of, load_classifier
from burnish.models.config import LoraConfig
from burnish.models.loading import LoadedModel
from burnish.models.lora import Adapters, add_adapter
from burnish.models.saving import complete_folder, write_layout
from burnish.models.token_batch import TokenBatch

_CLASSES = ("wrong", "correct")
_WANTED = (
    "Train one with `method: {type: reranker}` and name its folder, such as "
    "RUN/stages/02-reranker/selected."
)


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
        self._head = head_of(network)

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
    network = classifier_from(start, _CLASSES, name="a verifier")
    adapters = None
    if lora is not None:
        head = head_of(network)
        adapters = add_adapter(network, lora, output_layer=head)
        head.requires_grad_(True)
    return OutcomeVerifier(network, start.tokenizer, compute_dtype=compute_dtype, adapters=adapters)


def load_verifier(folder: Path, *, compute_dtype: torch.dtype = torch.float32) -> OutcomeVerifier:
    """A verifier that `OutcomeVerifier.save` wrote, on the CPU.

    Raises ModelError where the folder holds none, such as where it holds a language model.
    """
    network, tokenizer = load_classifier(
        folder, name="verifier", num_outputs=len(_CLASSES), wanted=_WANTED
    )
    return OutcomeVerifier(network, tokenizer, compute_dtype=compute_dtype)
