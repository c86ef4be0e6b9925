"""Which model to train and how it is loaded. No torch here, so that recipes parse without it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config


class LoraConfig(Config):
    """A low-rank adapter is trained instead of the weights (LoRA, arXiv:2106.09685)."""

    rank: int = Field(default=16, ge=1)
    """r: rank of the update B A of each matrix; the paper finds 4 to 8 enough (section 7.2), and
    more costs little."""

    alpha: float = Field(default=32.0, gt=0)
    """alpha: the update is scaled by alpha / r; 32 is the paper's for GPT-2 (table 11)."""

    targets: Literal["all-linear"] | list[str] = "all-linear"
    """Linear layers that get one, by the ends of their names, such as the LoRA paper's [q_proj,
    v_proj]; all-linear: all but the output layer, as QLoRA found best (arXiv:2305.14314)."""

    save_merged: bool = False
    """Also write each saved model with the adapter merged into the weights, as `merged/` in its
    folder, for tools that know no adapters."""


class ModelConfig(Config):
    """The network and tokenizer that a run starts from."""

    name: str
    """A local folder in the Hugging Face layout, a hub id (`org/name`), `builtin:arithmetic` (the
    small base model inside the package), `gemma3-270m` (from the extra [gemma]), or the folder of
    a saved adapter."""

    lora: LoraConfig | None = None
    """Train a low-rank adapter and keep the weights as they are; none: train all weights."""

    quantize: Literal["8bit", "4bit"] | None = None
    """Hold the frozen weights in 8 or 4 bits, by bitsandbytes (the extra [quantize]); needs `lora`.
    8bit is LLM.int8 (arXiv:2208.07339), 4bit is QLoRA's NF4 (arXiv:2305.14314)."""

    trim_vocabulary: bool = False
    """Train on the embedding rows that the task's texts and the byte fallback need; the full matrix
    is written back on save."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the master weights. Autocast to bfloat16 is a setting of training, not of loading."""

    pad_token: str | None = None
    """Padding token for tokenizers that have none of their own or pad with EOS. It is added, with
    one embedding row where needed, if the vocabulary lacks it."""

    chat_template: str | None = None
    """Replaces the tokenizer's chat template: Jinja text, or the path of a `.jinja` file."""

    trust_remote_code: bool = False
    """Run Python code that comes with the model's folder or hub repository."""

    allow_pickle: bool = False
    """Read weights from pickle files (`pytorch_model.bin`) where there are no *.safetensors. Such a
    file can run code while it is read; torch's restricted reader is used."""

    cache_folder: Path = Path("~/.cache/burnish")
    """Where models that burnish itself converts are kept."""

    @model_validator(mode="after")
    def _quantized_weights_stay(self) -> Self:
        if self.quantize is not None and self.lora is None:
            raise ValueError(
                f"quantize: {self.quantize} holds weights that cannot be trained; add lora: {{}} "
                "to train an adapter on them, or leave quantize out"
            )
        return self
