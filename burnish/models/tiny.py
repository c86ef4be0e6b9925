"""Tiny random models of every family we support, for tests: no files, no network, milliseconds.

Their tokenizers are trained in memory on a few sentences of our own and have distinct padding,
beginning and end tokens. As with the real ones, Llama and Gemma tokenizers begin every text with
BOS, the others do not.
"""

from __future__ import annotations

import functools
import json
from typing import Any, Literal, TypeAlias

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

from burnish.models.loading import LoadedModel

Family: TypeAlias = Literal["llama", "qwen2", "qwen3", "gemma3", "gpt2"]

_SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>"]
_TEXT = (
    "Ada has 12 apples and gives 5 of them to Ben. How many apples does Ada have now?",
    "A box holds 24 pencils. Mia buys 3 boxes, then 10 pencils break. How many can still write?",
    "12 - 5 = 7\nTherefore, the answer is: 7",
    "3 * 24 = 72\n72 - 10 = 62\nTherefore, the answer is: 62",
    'def solution():\n    """How many pencils?"""\n    pencils = 3 * 24 - 10\n    return pencils',
    "The train leaves at nine and arrives at half past ten, so the way takes ninety minutes.",
)


def tiny_model(
    family: Family,
    *,
    seed: int = 0,
    vocab_size: int = 384,
    hidden_size: int = 32,
    num_layers: int = 2,
    max_positions: int = 256,
    tokenizer: PreTrainedTokenizerFast | None = None,
) -> LoadedModel:
    """A random network of `family` in evaluation mode, with `tokenizer` or one of `vocab_size`.

    Gemma 3 alternates a sliding window of 8 tokens with full attention. Weights are larger than
    usual, so that the most likely token stands out.
    """
    if tokenizer is None:
        starts_with_bos = family in ("llama", "gemma3")
        tokenizer = byte_level_tokenizer(vocab_size, starts_with_bos=starts_with_bos)
    config = _config(family, tokenizer, hidden_size, num_layers, max_positions)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return LoadedModel(network.eval(), tokenizer)


def byte_level_tokenizer(
    vocab_size: int = 384, *, starts_with_bos: bool = False
) -> PreTrainedTokenizerFast:
    """A tokenizer like GPT-2's: every byte is a character, so every text has tokens."""
    backend = Tokenizer.from_str(_byte_level_json(vocab_size))
    return _finished(backend, starts_with_bos=starts_with_bos)


def byte_fallback_tokenizer(
    vocab_size: int = 640, *, starts_with_bos: bool = True
) -> PreTrainedTokenizerFast:
    """A tokenizer like Gemma's: unknown characters become the tokens <0x00> to <0xFF>."""
    backend = Tokenizer.from_str(_byte_fallback_json(vocab_size))
    return _finished(backend, starts_with_bos=starts_with_bos)


def _config(
    family: Family,
    tokenizer: PreTrainedTokenizerFast,
    hidden_size: int,
    num_layers: int,
    max_positions: int,
) -> PreTrainedConfig:
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden_size,
        "num_hidden_layers": num_layers,
        "num_attention_heads": 4,
        "max_position_embeddings": max_positions,
        "initializer_range": 0.1,
        "pad_token_id": tokenizer.convert_tokens_to_ids("<pad>"),
        "eos_token_id": tokenizer.convert_tokens_to_ids("<eos>"),
        "bos_token_id": tokenizer.convert_tokens_to_ids("<bos>"),
    }
    if family == "gpt2":
        return AutoConfig.for_model("gpt2", **settings)
    settings |= {"intermediate_size": 2 * hidden_size, "num_key_value_heads": 2}
    settings["tie_word_embeddings"] = family != "llama"
    if family in ("gemma3", "qwen3"):
        settings["head_dim"] = 16
    if family != "gemma3":
        return AutoConfig.for_model(family, **settings)
    kinds = ["sliding_attention", "full_attention"]
    layer_types = [kinds[layer % 2] for layer in range(num_layers)]
    settings |= {"sliding_window": 8, "layer_types": layer_types}
    return AutoConfig.for_model("gemma3_text", **settings)


@functools.cache
def _byte_level_json(vocab_size: int) -> str:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=_SPECIAL,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    backend.train_from_iterator(_TEXT, trainer)
    return backend.to_str()


@functools.cache
def _byte_fallback_json(vocab_size: int) -> str:
    backend = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "\u2581")
    backend.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    backend.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[*_SPECIAL, *byte_tokens], show_progress=False
    )
    backend.train_from_iterator(_TEXT, trainer)
    spec = json.loads(backend.to_str())
    # Only the trainer needs the bytes to be special; as such they would be cut out of texts.
    spec["added_tokens"] = [row for row in spec["added_tokens"] if row["content"] in _SPECIAL]
    return json.dumps(spec)


def _finished(backend: Tokenizer, *, starts_with_bos: bool) -> PreTrainedTokenizerFast:
    if starts_with_bos:
        bos = ("<bos>", backend.token_to_id("<bos>"))
        backend.post_processor = processors.TemplateProcessing(
            single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[bos]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
