"""Frozen weights in 8 or 4 bits, by bitsandbytes through transformers.

8 bits is LLM.int8 (arXiv:2208.07339), which also rounds activations; 4 bits is QLoRA's NF4 with
doubly quantised constants (arXiv:2305.14314). Embeddings and the output layer stay as they are.
"""

from __future__ import annotations

import importlib.util
from typing import Literal

import torch
from torch import nn
from transformers import BitsAndBytesConfig

from burnish.errors import ModelError

_LIBRARY = "bitsandbytes"
_LAYERS = ("Linear4bit", "Linear8bitLt")
"""Its subclasses of nn.Linear; named, because the library is optional."""


def quantization(
    bits: Literal["8bit", "4bit"], *, compute_dtype: torch.dtype
) -> BitsAndBytesConfig:
    """What `from_pretrained` is told. Raises ModelError where bitsandbytes is not installed.

    `compute_dtype`: what 4-bit weights are computed back to before each product.
    """
    if importlib.util.find_spec(_LIBRARY) is None:
        raise ModelError(
            f"model.quantize: {bits} needs {_LIBRARY}, which is not installed. Install it with "
            "pip install 'burnish[quantize]', or leave model.quantize out."
        )
    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
    )


def is_quantized(module: nn.Module) -> bool:
    """Whether a layer's weights are in fewer bits."""
    return isinstance(module, nn.Linear) and type(module).__name__ in _LAYERS


def let_gradients_through(network: nn.Module) -> None:
    """Put the quantised layers of a network (in place) into training mode; they have no dropout.

    On some CPUs a 4-bit layer in evaluation mode is rearranged by its first product without
    gradients, and stops every gradient from then on, without a word.
    """
    for module in network.modules():
        if is_quantized(module):
            module.train()
