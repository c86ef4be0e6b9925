"""Tiny random networks of every family and a tokenizer of single characters."""

import string

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

CHARACTERS = string.ascii_letters + string.digits + " .,:\n?!"
SPECIALS = ("<pad>", "<eos>")
VOCAB_SIZE = len(SPECIALS) + len(CHARACTERS)
WINDOW = 5

_SHAPE = {
    "vocab_size": VOCAB_SIZE,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    # Large enough that the next token depends on all that came before.
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 1,
}
_SLIDING = {
    "sliding_window": WINDOW,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "query_pre_attn_scalar": 8,
    "head_dim": 12,
}

CONFIGS = {
    "llama": lambda: LlamaConfig(**_SHAPE),
    "mistral": lambda: MistralConfig(**_SHAPE, sliding_window=WINDOW),
    "qwen2": lambda: Qwen2Config(**_SHAPE),
    "qwen3": lambda: Qwen3Config(**_SHAPE, head_dim=12),
    "gemma2": lambda: Gemma2Config(
        **_SHAPE, **_SLIDING, final_logit_softcapping=3.0, attn_logit_softcapping=2.0
    ),
    "gemma3": lambda: Gemma3TextConfig(**_SHAPE, **_SLIDING),
    "gpt2": lambda: GPT2Config(
        vocab_size=VOCAB_SIZE,
        n_embd=32,
        n_layer=3,
        n_head=4,
        n_positions=128,
        initializer_range=0.3,
        eos_token_id=1,
        bos_token_id=None,
    ),
}


def build_network(family, seed=0):
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(CONFIGS[family]()).eval()


def build_for_kernels(family):
    """The same with heads of a size that the compiled kernels know."""
    config = CONFIGS[family]()
    config.head_dim = 16
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture
def llama():
    return build_network("llama")


@pytest.fixture(scope="session")
def tokenizer():
    names = [*SPECIALS, *CHARACTERS]
    inner = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="?"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    inner.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>")
