"""A model that says after every step how good a partial solution is: V(steps so far | question).

ReST-MCTS* (arXiv:2406.03816, section 3.2), and any process reward model with one number per step.
Two heads on a language model's state s at the last token of a step:

    hidden       V = sigmoid(w . s + b)                the default
    vocabulary   V = w . (U s) + b                     the authors': a linear layer on the logits

Where we differ from the authors' code: their last position is a padding slot where padding is on
the right, and their prompts differ between training and search. Here the place of a step's last
real token is told by the batch, and training and search share one reading (`step_batch.py`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from burnish.errors import ModelError
from burnish.models.config import LoraConfig, ModelConfig
from burnish.models.loading import LoadedModel, load
from burnish.models.lora import add_adapter
from burnish.models.policy import Policy
from burnish.models.saving import complete_folder, write_layout
from burnish.models.step_batch import StepBatch

HeadKind: TypeAlias = Literal["hidden", "vocabulary"]

HEAD_FILE = "value_head.safetensors"
_MODULE = "value_head"
_CPU = torch.device("cpu")
_PROBE = "I'll take 1234 of them,\n\n\tif x==3.5:  # na\u00efve \u4f60\u597d \U0001f642 DON'T"


class ProcessRewardModel:
    """A language model with a value head, and its tokenizer. Like the policy, without dropout."""

    def __init__(
        self, loaded: LoadedModel, head: nn.Linear, kind: HeadKind, *, compute_dtype: torch.dtype
    ) -> None:
        """`head`: one output in float32. It becomes a part of the network, under `value_head`."""
        self._adapters = loaded.adapters
        self._backbone = Policy(loaded, compute_dtype=compute_dtype)
        self._head = head.to(loaded.network.device)
        self.kind: HeadKind = kind
        self.network: PreTrainedModel = loaded.network
        self.network.add_module(_MODULE, self._head)
        self.tokenizer: PreTrainedTokenizerBase = loaded.tokenizer
        if kind == "hidden":
            _leave_out_output_layer(self.network)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.device

    @property
    def max_context(self) -> int | None:
        """Most tokens of a sequence that the model has positions for; None: no limit."""
        return self._backbone.max_context

    @property
    def compute_dtype(self) -> torch.dtype:
        """Of matrix products."""
        return self._backbone.compute_dtype

    def plain_network(self) -> PreTrainedModel:
        """A network without adapters whose last hidden states are this model's now."""
        return self._backbone.sampling_network()

    @property
    def eos_id(self) -> int:
        """The token that closes a text."""
        eos = self.tokenizer.eos_token_id
        assert isinstance(eos, int)
        return eos

    def scores(self, batch: StepBatch) -> Float[Tensor, "N"]:
        """What the head says at each place, unbounded; see `predictions`."""
        return self.scores_of(self._backbone.hidden_states(batch.tokens)[batch.row, batch.column])

    def scores_of(self, states: Float[Tensor, "N D"]) -> Float[Tensor, "N"]:
        """What the head says of last hidden states."""
        features = states if self.kind == "hidden" else self._logits(states)
        weight, bias = self._head.weight.float(), self._head.bias.float()
        return functional.linear(features.float(), weight, bias).squeeze(-1)

    def predictions(self, scores: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
        """What is fitted to the labels: sigmoid(score), or under `vocabulary` the score itself."""
        return scores.sigmoid() if self.kind == "hidden" else scores

    def values(self, scores: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
        """The predictions, from 0 to 1."""
        return self.predictions(scores).clamp(0.0, 1.0)

    def require_tokenizer(self, tokenizer: PreTrainedTokenizerBase, *, owner: str) -> None:
        """Raise ModelError where tokens of `tokenizer` would mean something else to this model."""
        self.require_fingerprint(fingerprint(tokenizer), owner=owner)

    def require_fingerprint(self, other: str, *, owner: str) -> None:
        """The same for a tokenizer of which only the fingerprint was kept."""
        if other != fingerprint(self.tokenizer):
            raise ModelError(
                f"the value model reads tokens, but its tokenizer is not that of {owner}: the two "
                "number tokens or cut texts differently. Use a value model that was trained from "
                "the same base model, with model.trim_vocabulary off for both."
            )

    def save(self, folder: Path) -> None:
        """Write the language model in the Hugging Face layout, and beside it the head's file.

        Adapters are merged into the weights.
        """
        network = self.network if self._adapters is None else self._adapters.merged_network()
        state = {k: v for k, v in network.state_dict().items() if not k.startswith(f"{_MODULE}.")}
        head = {k: v.detach().cpu().contiguous() for k, v in self._head.state_dict().items()}
        about = {"format": "pt", "head": self.kind, "tokenizer": fingerprint(self.tokenizer)}
        with complete_folder(folder) as partial:
            write_layout(network, self.tokenizer, partial, state=state)
            save_file(head, partial / HEAD_FILE, metadata=about)

    def _logits(self, states: Float[Tensor, "N D"]) -> Float[Tensor, "N V"]:
        output = self.network.get_output_embeddings()
        assert output is not None
        with self._backbone.computing():
            logits = output(states)
        cap = vars(self.network.config).get("final_logit_softcapping")
        return logits if cap is None else cap * torch.tanh(logits / cap)


def start_process_reward(
    start: LoadedModel,
    *,
    head: HeadKind,
    compute_dtype: torch.dtype,
    lora: LoraConfig | None = None,
) -> ProcessRewardModel:
    """A value model with the backbone of a language model (it is changed) and a head of zeros.

    A head of zeros says 1/2 (`vocabulary`: 0) of everything, whatever the size of the states. With
    `lora`, the head and an adapter (torch's generator) are trained. Raises ModelError for a trimmed
    vocabulary.
    """
    _require_full_vocabulary(start)
    output = start.network.get_output_embeddings()
    assert isinstance(output, nn.Linear)
    width = output.in_features if head == "hidden" else output.out_features
    layer = nn.Linear(width, 1, dtype=torch.float32)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return ProcessRewardModel(_adapted(start, lora), layer, head, compute_dtype=compute_dtype)


def load_process_reward(
    folder: Path,
    *,
    compute_dtype: torch.dtype = torch.float32,
    lora: LoraConfig | None = None,
    device: torch.device = _CPU,
) -> ProcessRewardModel:
    """What `ProcessRewardModel.save` wrote; with `lora`, with a new adapter to train.

    Raises ModelError where the folder holds none, or files that do not belong together.
    """
    path = folder / HEAD_FILE
    if not path.is_file():
        raise ModelError(
            f"value model {folder}: there is no {HEAD_FILE} in it. Name the folder of a trained "
            "process reward model, such as RUN/stages/02-process_reward/selected."
        )
    start = load(ModelConfig(name=str(folder)))
    kind, about, state = _read_head(path)
    if about.get("tokenizer") != fingerprint(start.tokenizer):
        raise ModelError(
            f"value model {folder}: its tokenizer is not the one that it was trained with. Put the "
            "files back that stood beside its weights, or train it again."
        )
    layer = nn.Linear(state["weight"].shape[1], 1, dtype=torch.float32)
    layer.load_state_dict(state)
    nn.Module.to(start.network, device)
    return ProcessRewardModel(_adapted(start, lora), layer, kind, compute_dtype=compute_dtype)


def fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of what makes two tokenizers give the same tokens the same meaning.

    The vocabulary without the padding token, which no text has, and how a probing text is cut.
    """
    vocabulary = tokenizer.get_vocab()
    if isinstance(tokenizer.pad_token, str):
        vocabulary.pop(tokenizer.pad_token, None)
    cut = tokenizer.encode(_PROBE, add_special_tokens=False)
    content = json.dumps([sorted(vocabulary.items()), cut, tokenizer.eos_token_id])
    return hashlib.sha256(content.encode()).hexdigest()


def _read_head(path: Path) -> tuple[HeadKind, dict[str, str], dict[str, Tensor]]:
    """Kind, metadata and weights. Raises ModelError."""
    try:
        with safe_open(path, framework="pt") as file:
            about = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 no mapping
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); the file is damaged.") from error
    kind = about.get("head")
    if kind not in ("hidden", "vocabulary") or state.keys() != {"weight", "bias"}:
        raise ModelError(f"{path}: holds no value head (head: {kind!r}, tensors: {sorted(state)}).")
    return cast("HeadKind", kind), about, state


def _adapted(start: LoadedModel, lora: LoraConfig | None) -> LoadedModel:
    if lora is None:
        return start
    return replace(start, adapters=add_adapter(start.network, lora))


def _require_full_vocabulary(start: LoadedModel) -> None:
    if start.trimmed is not None:
        raise ModelError(
            "a value model cannot start from a model with a trimmed vocabulary: it reads texts "
            "with the full tokenizer. Load the model with trim_vocabulary off."
        )


def _leave_out_output_layer(network: PreTrainedModel) -> None:
    """What no gradient reaches is not in training; tied to the embedding, it is."""
    output, embedding = network.get_output_embeddings(), network.get_input_embeddings()
    assert output is not None
    weight = output.get_parameter("weight")
    if weight is not embedding.get_parameter("weight"):
        weight.requires_grad_(False)
