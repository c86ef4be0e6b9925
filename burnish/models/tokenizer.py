"""What training requires of a tokenizer, checked once, where the model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tokenizers import Tokenizer
from torch import nn
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from burnish.errors import ModelError
from burnish.files.text import read_text
from burnish.models.config import ModelConfig

_SUGGESTIVE = ("pad", "reserved", "unused", "extra")

_PROBE = "I'll take 1234 of them,\n\n\tif x==3.5:  # na\u00efve \u4f60\u597d \U0001f642 DON'T"


def read_tokenizer(source: str, *, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder or hub id; in a folder, `tokenizer.json` has the last word.

    For some model types (Qwen 2 is one) `AutoTokenizer` replaces the pre-tokenizer that stands in
    the file by that of the model's first publication. A model that was trained with another
    tokenizer would then read other tokens after each save.
    """
    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code)
    file = Path(source) / "tokenizer.json"
    if not file.is_file():
        return tokenizer
    in_file = Tokenizer.from_file(str(file)).encode(_PROBE, add_special_tokens=False).ids
    if tokenizer(_PROBE, add_special_tokens=False)["input_ids"] == in_file:
        return tokenizer
    return PreTrainedTokenizerFast.from_pretrained(source)


def prepare_tokenizer(
    tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, config: ModelConfig
) -> None:
    """Make tokenizer and network agree (in place): EOS, a padding token of its own, rows for all.

    Raises ModelError where that needs a decision of the user.
    """
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"model {config.name}: its tokenizer has no end-of-sequence token, so nothing could "
            'teach the model to stop. Add "eos_token" to the tokenizer_config.json of a local copy.'
        )
    if config.pad_token is not None:
        _set_padding(tokenizer, network, config.pad_token)
    _require_padding(tokenizer, config)
    _require_rows(tokenizer, network, config)
    if config.chat_template is not None:
        tokenizer.chat_template = _template_text(config.chat_template)
    _align_ids(tokenizer, network)


def _set_padding(
    tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, pad_token: str
) -> None:
    tokenizer.add_special_tokens({"pad_token": pad_token})
    pad, rows = _special_id(tokenizer, "pad"), _num_rows(network)
    if pad is None or pad < rows:
        return
    network.resize_token_embeddings(pad + 1, mean_resizing=False)
    # Its embedding is never read, but its logit is in every softmax: the mean row is unlikely.
    for layer in (network.get_input_embeddings(), network.get_output_embeddings()):
        if layer is not None:
            weight = layer.get_parameter("weight").detach()
            weight[rows:] = weight[:rows].mean(dim=0)


def _require_padding(tokenizer: PreTrainedTokenizerBase, config: ModelConfig) -> None:
    pad, eos = _special_id(tokenizer, "pad"), _special_id(tokenizer, "eos")
    if pad is not None and pad != eos:
        return
    found = "no padding token" if pad is None else f"{tokenizer.eos_token!r} as padding and as EOS"
    added = [token.content for token in tokenizer.added_tokens_decoder.values()]
    fitting = (token for word in _SUGGESTIVE for token in added if word in token.lower())
    raise ModelError(
        f"model {config.name}: its tokenizer has {found}. Where the two are one, EOS is masked "
        "with the padding and the model never learns to stop. Name a token that nothing else "
        f'uses: `model.pad_token: "{next(fitting, "<pad>")}"` (it is added where the vocabulary '
        "lacks it)."
    )


def _require_rows(
    tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, config: ModelConfig
) -> None:
    """Added tokens without a row (Gemma 3's image token) are allowed: plain text never has them."""
    rows = _num_rows(network)
    named = {_special_id(tokenizer, name) for name in ("bos", "eos", "pad")}
    optional = tokenizer.added_tokens_decoder.keys() - named
    largest = max(i for i in tokenizer.get_vocab().values() if i not in optional)
    if largest >= rows:
        raise ModelError(
            f"model {config.name}: its tokenizer has token ids up to {largest}, but the network "
            f"has embedding rows for {rows} tokens only. They are from different models, or the "
            "network was saved before tokens were added; use the tokenizer it was trained with."
        )


def _num_rows(network: PreTrainedModel) -> int:
    return network.get_input_embeddings().get_parameter("weight").shape[0]


def _special_id(
    tokenizer: PreTrainedTokenizerBase, name: Literal["bos", "eos", "pad"]
) -> int | None:
    """The token's id, where the tokenizer has such a token (the library's own type is vaguer)."""
    token = tokenizer.special_tokens_map.get(f"{name}_token")
    return None if token is None else tokenizer.get_vocab()[token]


def _template_text(template: str) -> str:
    if not template.endswith(".jinja"):
        return template
    try:
        return read_text(Path(template))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"model.chat_template: {template:.200} cannot be read ({reason}). Give the path of a "
            "Jinja file, or the template itself."
        ) from error


def _align_ids(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel) -> None:
    """Let a saved model pad and stop by the tokens it was trained with, whoever loads it."""
    network.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    embedding = network.get_input_embeddings()
    if isinstance(embedding, nn.Embedding):
        embedding.padding_idx = None  # that row gets no gradient, and it may have been EOS
    generation = network.generation_config
    if generation is None:
        return
    generation.pad_token_id = tokenizer.pad_token_id
    stops = generation.eos_token_id
    stops = stops if isinstance(stops, list) else [] if stops is None else [stops]
    if tokenizer.eos_token_id not in stops:
        stops = [tokenizer.eos_token_id, *stops]
    generation.eos_token_id = stops if len(stops) > 1 else stops[0]
