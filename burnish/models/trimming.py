"""Training without the embedding rows that no text of the task needs.

Small models with large vocabularies spend most of their time and memory on them: of Gemma 3 270M's
268 million weights 168 million are embedding. `trim` makes an ordinary smaller model with an
ordinary smaller tokenizer; `TrimmedVocabulary` remembers what was cut away and puts it back on
save, so that the saved model has its full vocabulary again, with only the kept rows trained.

What this does not do: softmax over the kept rows is not softmax over all. During training the
probability of the other tokens is taken to be zero, and their rows get no gradient.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor, nn
from transformers import (
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from burnish.errors import ModelError
from burnish.models.bpe import read_spec, restrict, token_ids


@dataclass(frozen=True, slots=True)
class TrimmedVocabulary:
    """What is needed to give a trimmed model its full vocabulary back.

    Attributes:
        kept_ids: K original token ids; row k of the trimmed model is row `kept_ids[k]` of the full.
        full_rows: by parameter name, the full tensor (first dimension V) as it was loaded, in
            bfloat16 where that loses nothing. Tied parameters share one tensor.
        config: of the full model.
        generation_config: of the full model, if it has one.
        tokenizer: of the full model.
    """

    kept_ids: Int64[Tensor, " K"]
    full_rows: Mapping[str, Tensor]
    config: PreTrainedConfig
    generation_config: GenerationConfig | None
    tokenizer: PreTrainedTokenizerBase

    def full_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The full model's weights, given the trimmed model's `state_dict`.

        Rows that were cut away are bit for bit as loaded. Tied parameters stay one tensor.
        """
        restored = dict(state)
        done: dict[int, Tensor] = {}
        for name, full in self.full_rows.items():
            if id(full) not in done:
                rows = full.to(state[name].dtype, copy=True)
                rows[self.kept_ids] = state[name].detach().to(rows.device)
                done[id(full)] = rows
            restored[name] = done[id(full)]
        return restored


def trim(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]
) -> tuple[PreTrainedTokenizerBase, TrimmedVocabulary]:
    """Cut `network` (in place) to the tokens that `texts` and single bytes need.

    Returns the smaller tokenizer, which gives the same tokens on `texts`, renumbered, and what was
    cut. Texts are to be given as they will be tokenised: a prompt and a target that are tokenised
    together are one text. Raises ModelError where the tokenizer or network cannot be trimmed.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(
            f"model.trim_vocabulary: {type(tokenizer).__name__} is not backed by the tokenizers "
            "library. Set model.trim_vocabulary to false."
        )
    unique_texts = sorted(set(texts))
    if not unique_texts:
        raise ModelError(
            "model.trim_vocabulary: no texts were given to decide which tokens to keep. The task "
            "has no rows; check its data, or set model.trim_vocabulary to false."
        )
    spec = read_spec(tokenizer.backend_tokenizer)
    full_ids: list[list[int]] = tokenizer(unique_texts)["input_ids"]
    needed = {token for ids in full_ids for token in ids} | set(tokenizer.all_special_ids)
    needed |= _special_ids(network)
    token_of = {token_id: token for token, token_id in token_ids(spec).items()}
    backend, kept = restrict(spec, (token_of[i] for i in needed if i in token_of))
    smaller = _with_backend(tokenizer, backend)
    number = {original: position for position, original in enumerate(kept)}
    if smaller(unique_texts)["input_ids"] != [[number[i] for i in ids] for ids in full_ids]:
        raise ModelError(
            "model.trim_vocabulary: the trimmed tokenizer cuts the task's texts differently from "
            "the full one, so this tokenizer cannot be trimmed. Set model.trim_vocabulary to false."
        )
    return smaller, _cut(network, tokenizer, kept)


def _with_backend(tokenizer: PreTrainedTokenizerFast, backend: object) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        **tokenizer.special_tokens_map,
        chat_template=tokenizer.chat_template,
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        clean_up_tokenization_spaces=tokenizer.clean_up_tokenization_spaces,
        split_special_tokens=tokenizer.split_special_tokens,
    )


def _cut(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, kept: list[int]
) -> TrimmedVocabulary:
    embedding, head = network.get_input_embeddings(), network.get_output_embeddings()
    if not isinstance(embedding, nn.Embedding) or not isinstance(head, nn.Linear):
        raise ModelError(
            f"model.trim_vocabulary: {type(network).__name__} does not have one embedding and one "
            "linear output layer. Set model.trim_vocabulary to false."
        )
    kept_ids = torch.tensor(kept)
    trimmed = TrimmedVocabulary(
        kept_ids=kept_ids,
        full_rows=_full_rows(network, embedding, head),
        config=copy.deepcopy(network.config),
        generation_config=copy.deepcopy(network.generation_config),
        tokenizer=tokenizer,
    )
    _replace_rows(embedding, head, kept_ids)
    number = {original: position for position, original in enumerate(kept)}
    _renumber(network, number)
    return trimmed


def _full_rows(
    network: PreTrainedModel, embedding: nn.Embedding, head: nn.Linear
) -> dict[str, Tensor]:
    """The tensors with one row a token, by name. Raises ModelError where others have as many."""
    ours = [tensor for tensor in (embedding.weight, head.weight, head.bias) if tensor is not None]
    size = embedding.weight.shape[0]
    compact: dict[int, Tensor] = {}
    rows: dict[str, Tensor] = {}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        if any(parameter is tensor for tensor in ours):
            compact.setdefault(id(parameter), _smallest_lossless(parameter.detach()))
            rows[name] = compact[id(parameter)]
        elif size in parameter.shape:
            raise ModelError(
                f"model.trim_vocabulary: {name} of {type(network).__name__} also has {size} rows, "
                "and trimming does not know it. Set model.trim_vocabulary to false."
            )
    return rows


def _smallest_lossless(tensor: Tensor) -> Tensor:
    """A copy on the CPU, in bfloat16 if every value survives that."""
    halved = tensor.to("cpu", torch.bfloat16)
    same = torch.equal(halved.to(tensor.dtype), tensor.cpu())
    return halved if same else tensor.to("cpu", copy=True)


def _replace_rows(embedding: nn.Embedding, head: nn.Linear, kept_ids: Tensor) -> None:
    is_tied = head.weight is embedding.weight
    rows = kept_ids.to(embedding.weight.device)
    embedding.padding_idx = None  # numbered as before; masks keep padding out of gradients
    embedding.weight = nn.Parameter(embedding.weight.detach()[rows])
    embedding.num_embeddings = head.out_features = len(kept_ids)
    head.weight = embedding.weight if is_tied else nn.Parameter(head.weight.detach()[rows])
    if head.bias is not None:
        head.bias = nn.Parameter(head.bias.detach()[rows])


def _id_holders(network: PreTrainedModel) -> list[PreTrainedConfig | GenerationConfig]:
    """Every configuration object of the network that names token ids, each once."""
    holders = [network.config, network.config.get_text_config(), network.generation_config]
    return list({id(holder): holder for holder in holders if holder is not None}.values())


def _named_ids(holder: PreTrainedConfig | GenerationConfig) -> dict[str, int | list[int]]:
    """The settings such as `eos_token_id` that hold an id or a list of ids."""
    return {
        name: value
        for name, value in vars(holder).items()
        if name.endswith("_token_id") and isinstance(value, int | list)
    }


def _special_ids(network: PreTrainedModel) -> set[int]:
    named = [value for holder in _id_holders(network) for value in _named_ids(holder).values()]
    return {i for value in named for i in (value if isinstance(value, list) else [value])}


def _renumber(network: PreTrainedModel, number: Mapping[int, int]) -> None:
    """Let the network's configurations speak of the K kept tokens."""
    full_size = network.config.get_text_config().vocab_size
    for holder in _id_holders(network):
        for name, value in _named_ids(holder).items():
            ids = value if isinstance(value, list) else [value]
            new = [number[i] for i in ids if i in number]
            setattr(holder, name, new if isinstance(value, list) else next(iter(new), None))
        if isinstance(holder, PreTrainedConfig) and "vocab_size" in vars(holder):
            holder.vocab_size = len(number)
    for module in network.modules():
        if vars(module).get("vocab_size") == full_size:
            vars(module)["vocab_size"] = len(number)
