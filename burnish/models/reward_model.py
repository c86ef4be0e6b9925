"""A model that says how good an answer is: r_k(prompt, answer), one number for each output k.

A linear layer on a language model's state at the last real token of prompt, answer and EOS (no EOS
where the answer was cut off). What the numbers are is told by `RewardHead`: one score known up to a
constant (comparisons), one on the scale of ratings, or one per attribute in standard units. The
network is transformers' own `...ForSequenceClassification`, so other tools load a saved reward
model as it is; `reward_model.json` beside it holds what they do not know.

As in `Policy`, answers to one prompt share its computation, and there is no dropout. Which token is
the last one is told by the batch, never guessed from the padding id.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from burnish.errors import ModelError
from burnish.models.classifier import classifier_from, head_of, load_classifier
from burnish.models.config import LoraConfig
from burnish.models.fused_layers import fuse_layers
from burnish.models.loading import LoadedModel
from burnish.models.lora import Adapters, add_adapter
from burnish.models.process_reward_model import fingerprint
from burnish.models.reward_gate import PromptGate
from burnish.models.reward_head import (
    HEAD_FILE,
    WANTED,
    LabelScale,
    RewardHead,
    read_head,
    write_head,
)
from burnish.models.saving import complete_folder, write_layout
from burnish.models.shared_prompts import hidden_with_shared_prompts, shares_prompts
from burnish.models.token_batch import TokenBatch

GATE_FILE = "reward_gate.safetensors"
_SCALE = "label_scale"
_GATE = "reward_gate"
_CPU = torch.device("cpu")
HeadStart: TypeAlias = Literal["zero", "random"]


class RewardModel:
    """A network, its tokenizer, and what its numbers are about."""

    def __init__(
        self,
        network: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        head: RewardHead,
        *,
        compute_dtype: torch.dtype,
        adapters: Adapters | None = None,
        gate: PromptGate | None = None,
    ) -> None:
        """`compute_dtype`: of the backbone's products; the head is in float32.

        `adapters`: what is trained of the backbone, where it is not all of it. `gate`: mixes the
        attributes of `head`; then it alone is trained.
        """
        self.head = head
        self.gate = gate
        self.network: PreTrainedModel = network.eval()
        self.tokenizer: PreTrainedTokenizerBase = tokenizer
        self.scale = LabelScale(head)
        self._adapters = adapters
        self._compute_dtype = compute_dtype
        self._trunk: nn.Module = network.base_model
        self._linear = head_of(network)
        if gate is not None:
            network.requires_grad_(False)
            network.add_module(_GATE, gate)
        network.add_module(_SCALE, self.scale)
        if network.device.type == "cpu":
            network.set_attn_implementation("eager")  # as in Policy: the faster backward pass
            fuse_layers(network)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.device

    @property
    def eos_id(self) -> int:
        """The token that closes an answer."""
        eos = self.tokenizer.eos_token_id
        assert isinstance(eos, int)
        return eos

    @property
    def max_context(self) -> int | None:
        """Most tokens of a sequence that the model has positions for; None: no limit."""
        config = self.network.config.get_text_config()
        return getattr(config, "max_position_embeddings", None)  # foreign: not of every family

    def scores(self, batch: TokenBatch) -> Float[Tensor, "B K"]:
        """The outputs at the last token but one of each row.

        The last token stands for whatever comes next (`AnswerReader`); nothing reads it.
        """
        hidden = self.hidden_states(batch)
        rows = torch.arange(hidden.shape[0], device=self.device)
        last = hidden[rows, batch.is_real.sum(dim=1) - 2].float()
        scores = functional.linear(last, self._linear.weight.float())
        if self.gate is None:
            return scores
        return self.gate(hidden[rows, batch.prompt_length - 1].float(), scores)

    def hidden_states(self, batch: TokenBatch) -> Float[Tensor, "B L D"]:
        """Last hidden states; only from the end of the prompt on, where rows share prompts."""
        enabled = self._compute_dtype is not torch.float32
        with torch.autocast(self.device.type, self._compute_dtype, enabled=enabled):
            if shares_prompts(batch, self.network.config):
                return hidden_with_shared_prompts(self._trunk, batch)
            output = self._trunk(
                input_ids=batch.token_ids, position_ids=batch.position_ids, use_cache=False
            )
        return output.last_hidden_state

    def in_label_units(self, scores: Float[Tensor, "B K"]) -> Float[Tensor, "B K"]:
        """mean + deviation * score for labels that were standardised; else the scores."""
        if not self.head.means:
            return scores
        means, deviations = (scores.new_tensor(v) for v in (self.head.means, self.head.deviations))
        return means + deviations * scores

    def require_tokenizer(self, tokenizer: PreTrainedTokenizerBase, *, owner: str) -> None:
        """Raise ModelError where tokens of `tokenizer` would mean something else to this model."""
        if fingerprint(tokenizer) != fingerprint(self.tokenizer):
            raise ModelError(
                f"the reward model's tokenizer is not that of {owner}: the two number tokens or "
                "cut texts differently. Let it read the texts, or train one from the same base."
            )

    def save(self, folder: Path) -> None:
        """Write it in the Hugging Face layout, loadable as `AutoModelForSequenceClassification`.

        Adapters are merged into the weights.
        """
        network = self.network if self._adapters is None else self._adapters.merged_network()
        own = (f"{_SCALE}.", f"{_GATE}.")
        state = {k: v for k, v in network.state_dict().items() if not k.startswith(own)}
        with complete_folder(folder) as partial:
            write_layout(network, self.tokenizer, partial, state=state)
            write_head(partial, self.head, self.scale, fingerprint(self.tokenizer))
            if self.gate is not None:
                weights = {
                    k: v.detach().cpu().contiguous() for k, v in self.gate.state_dict().items()
                }
                save_file(weights, partial / GATE_FILE)


def start_reward_model(
    start: LoadedModel,
    head: RewardHead,
    *,
    compute_dtype: torch.dtype,
    head_start: HeadStart = "random",
    lora: LoraConfig | None = None,
) -> RewardModel:
    """A reward model with the backbone of a language model.

    A head of zeros says 0 of everything; a random one has the deviation 1 / sqrt(D + 1) of OpenAI's
    reward models (arXiv:1909.08593), by torch's generator. With `lora`, the head and an adapter
    are trained. Raises ModelError as `classifier_from`.
    """
    network = classifier_from(start, head.columns, name="a reward model")
    linear = head_of(network)
    if head_start == "zero":
        nn.init.zeros_(linear.weight)
    else:
        nn.init.normal_(linear.weight, std=(linear.in_features + 1) ** -0.5)
    adapters = None
    if lora is not None:
        adapters = add_adapter(network, lora, output_layer=linear)
        linear.requires_grad_(True)
    return RewardModel(
        network, start.tokenizer, head, compute_dtype=compute_dtype, adapters=adapters
    )


def load_reward_model(
    folder: Path, *, compute_dtype: torch.dtype = torch.float32, device: torch.device = _CPU
) -> RewardModel:
    """What `RewardModel.save` wrote. Raises ModelError where the folder holds none."""
    head, scale, tokenizer_hash = read_head(folder)
    network, tokenizer = load_classifier(
        folder, name="reward model", num_outputs=len(head.columns), wanted=WANTED
    )
    if tokenizer_hash != fingerprint(tokenizer):
        raise ModelError(
            f"reward model {folder}: its tokenizer is not the one that it was trained with. Put "
            "the files back that stood beside its weights, or train it again."
        )
    nn.Module.to(network, device)
    gate = _read_gate(folder / GATE_FILE).to(device) if head.mixed else None
    model = RewardModel(network, tokenizer, head, compute_dtype=compute_dtype, gate=gate)
    state = {name: torch.tensor(values) for name, values in scale.items()}
    try:
        model.scale.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"{folder / HEAD_FILE}: does not fit its head ({error})") from error
    nn.Module.to(model.scale, device)
    return model


def with_gate(model: RewardModel, *, hidden: int, compute_dtype: torch.dtype) -> RewardModel:
    """A model of comparisons, whose gate mixes the attributes of `model` (it becomes a part of it).

    Only the gate is trained. Raises ModelError where `model` has no attributes.
    """
    names = model.head.outputs
    if len(names) < 2:
        raise ModelError(
            f"a gate mixes several attributes, but the reward model has only {', '.join(names)}."
            " Train it on rows with more attributes, or leave the gate out."
        )
    width = head_of(model.network).in_features
    gate = PromptGate(width, len(names), hidden=hidden).to(model.device)
    head = RewardHead("comparisons", ("reward",), mixed=names)
    mixed = RewardModel(
        model.network, model.tokenizer, head, compute_dtype=compute_dtype, gate=gate
    )
    nn.Module.to(mixed.scale, model.device)
    return mixed


def _read_gate(path: Path) -> PromptGate:
    try:
        state = load_file(path)
        hidden, width = state["inner.weight"].shape
        gate = PromptGate(width, state["outer.weight"].shape[0], hidden=hidden)
        gate.load_state_dict(state)
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); the file is damaged.") from error
    return gate
