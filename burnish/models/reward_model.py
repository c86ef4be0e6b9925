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

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from burnish.core.reward_losses import ordered_thresholds
from burnish.data.feedback.kinds import FeedbackKind
from burnish.errors import ModelError
from burnish.models.classifier import classifier_from, head_of, load_classifier
from burnish.models.config import LoraConfig
from burnish.models.fused_layers import fuse_layers
from burnish.models.loading import LoadedModel
from burnish.models.lora import Adapters, add_adapter
from burnish.models.process_reward_model import fingerprint
from burnish.models.saving import complete_folder, write_layout
from burnish.models.shared_prompts import hidden_with_shared_prompts, shares_prompts
from burnish.models.token_batch import TokenBatch

HEAD_FILE = "reward_model.json"
_SCALE = "label_scale"
_CPU = torch.device("cpu")
_WANTED = "Name the folder of a trained reward model, such as RUN/stages/01-reward_model/selected."
HeadStart: TypeAlias = Literal["zero", "random"]


@dataclass(frozen=True, slots=True)
class RewardHead:
    """What the numbers of a reward model are about.

    Attributes:
        kind: the feedback that it is fitted to.
        outputs: a name for each of K numbers.
        num_grades: grades of a rating scale that it has thresholds for; 0 without them.
        raters: whose use of the scale it has learnt.
        means, deviations: of the labels of each output, which its numbers are standardised by.
    """

    kind: FeedbackKind
    outputs: tuple[str, ...]
    num_grades: int = 0
    raters: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()


class LabelScale(nn.Module):
    """What is learnt about the labels beside the scores. Parts that are not needed have size 0.

    `raw` are the thresholds between grades before they are ordered, `shift` what each rater adds to
    them (a strict one has higher ones), `tie` the width of ties before it is made positive.
    """

    def __init__(self, head: RewardHead) -> None:
        super().__init__()
        num_thresholds = max(0, head.num_grades - 1)
        self.raw = nn.Parameter(torch.ones(num_thresholds))
        self.shift = nn.Parameter(torch.zeros(len(head.raters)))
        self.tie = nn.Parameter(torch.zeros(1 if head.kind == "comparisons" else 0))
        with torch.no_grad():
            self.raw[:1] = -0.5 * 1.3133 * max(0, num_thresholds - 1)  # symmetric about 0

    def thresholds(self, raters: Sequence[str], names: Sequence[str]) -> Float[Tensor, "B J"]:
        """Those of each row's rater; of one who is not in `names`, those of the average rater."""
        shift = torch.cat([self.shift - self.shift.mean(), self.shift.new_zeros(1)])
        place = {name: i for i, name in enumerate(names)}
        rows = torch.tensor([place.get(rater, len(place)) for rater in raters])
        return ordered_thresholds(self.raw) + shift[rows.to(shift.device), None]

    @property
    def tie_width(self) -> Float[Tensor, ""]:
        """w > 0."""
        return functional.softplus(self.tie).squeeze(0)


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
    ) -> None:
        """`compute_dtype`: of the backbone's products; the head is in float32.

        `adapters`: what is trained of the backbone, where it is not all of it.
        """
        self.head = head
        self.network: PreTrainedModel = network.eval()
        self.tokenizer: PreTrainedTokenizerBase = tokenizer
        self.scale = LabelScale(head)
        self._adapters = adapters
        self._compute_dtype = compute_dtype
        self._trunk: nn.Module = network.base_model
        self._linear = head_of(network)
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
        """The outputs of the head at the last token but one of each row.

        The last token stands for whatever comes next (see `reward_text.py`); nothing reads it.
        """
        last = batch.is_real.sum(dim=1) - 2
        return self._read(self.hidden_states(batch), last)

    def states(self, batch: TokenBatch) -> Float[Tensor, "B D"]:
        """The state at the last token of each row's prompt, which a gate reads."""
        rows = torch.arange(batch.token_ids.shape[0], device=self.device)
        return self.hidden_states(batch)[rows, batch.prompt_length - 1].float()

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
        state = {k: v for k, v in network.state_dict().items() if not k.startswith(f"{_SCALE}.")}
        about = {
            "head": asdict(self.head),
            "scale": {name: value.tolist() for name, value in self.scale.state_dict().items()},
            "tokenizer": fingerprint(self.tokenizer),
        }
        with complete_folder(folder) as partial:
            write_layout(network, self.tokenizer, partial, state=state)
            (partial / HEAD_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")

    def _read(self, hidden: Float[Tensor, "B L D"], columns: Tensor) -> Float[Tensor, "B K"]:
        rows = torch.arange(hidden.shape[0], device=self.device)
        return functional.linear(hidden[rows, columns].float(), self._linear.weight.float())


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
    network = classifier_from(start, head.outputs, name="a reward model")
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
    head, scale, tokenizer_hash = _read_head(folder)
    network, tokenizer = load_classifier(
        folder, name="reward model", num_outputs=len(head.outputs), wanted=_WANTED
    )
    if tokenizer_hash != fingerprint(tokenizer):
        raise ModelError(
            f"reward model {folder}: its tokenizer is not the one that it was trained with. Put "
            "the files back that stood beside its weights, or train it again."
        )
    nn.Module.to(network, device)
    model = RewardModel(network, tokenizer, head, compute_dtype=compute_dtype)
    state = {name: torch.tensor(values) for name, values in scale.items()}
    try:
        model.scale.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"{folder / HEAD_FILE}: does not fit its head ({error})") from error
    nn.Module.to(model.scale, device)
    return model


def _read_head(folder: Path) -> tuple[RewardHead, dict[str, list[float]], str]:
    path = folder / HEAD_FILE
    if not path.is_file():
        raise ModelError(f"reward model {folder}: there is no {HEAD_FILE} in it. {_WANTED}")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        head = TypeAdapter(RewardHead).validate_python(about["head"])
        scale = TypeAdapter(dict[str, list[float]]).validate_python(about["scale"])
        return head, scale, str(about["tokenizer"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); the file is damaged.") from error
