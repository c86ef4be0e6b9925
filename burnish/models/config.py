"""Which model to train and how it is loaded. No torch here, so that recipes parse without it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from burnish.config import Config


class ModelConfig(Config):
    """The network and tokenizer that a run starts from."""

    name: str
    """A local folder in the Hugging Face layout, a hub id (`org/name`), `builtin:arithmetic` (the
    small base model inside the package) or `gemma3-270m` (from the extra [gemma])."""

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

    cache_folder: Path = Path("~/.cache/burnish")
    """Where models that burnish itself converts are kept."""
