"""Files of a model that somebody else made: no code in them runs unless the recipe says so.

Weights in pickle files (`pytorch_model.bin`) can run code while they are read, and a config can
name Python files to be imported. What the libraries make of a damaged file is one error here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from burnish.errors import BurnishError, ModelError
from burnish.files.json_text import parse_json
from burnish.files.text import read_text

_PICKLES = ("pytorch_model*.bin", "adapter_model.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_MOST_BYTES = 64_000_000
"""Of an index or a config; the largest published ones have a few megabytes."""


def require_safe_files(folder: Path, *, name: str, allow_pickle: bool) -> None:
    """Raise ModelError where weights are only there as pickles, or lie outside the folder.

    Args:
        folder: of a model or an adapter.
        name: what messages call it.
        allow_pickle: whether pickles will be read.
    """
    if any(folder.glob("*.safetensors")):
        _require_shards_inside(folder, name)
        return
    pickles = sorted({path.name for pattern in _PICKLES for path in folder.glob(pattern)})
    if pickles and not allow_pickle:
        raise ModelError(
            f"model {name}: its weights are in a pickle file only ({pickles[0]}), which can run "
            "any code while it is read. Convert it to *.safetensors where that does no harm, or, "
            "for a file whose maker you trust, set model.allow_pickle: true."
        )


@contextmanager
def library_errors(told: Callable[[Exception], str]) -> Iterator[None]:
    """What libraries raise while they read a model, as one ModelError.

    Damaged configs and tokenizers make them raise nearly anything, the tokenizers' own errors being
    bare `Exception`s.
    """
    try:
        yield
    except BurnishError:
        raise
    except Exception as error:
        raise ModelError(told(error)) from error


def wants_code(error: Exception) -> bool:
    """Whether a library refused because the model brings Python code of its own."""
    return "trust_remote_code" in str(error)


def _require_shards_inside(folder: Path, name: str) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return
    try:
        told = parse_json(read_text(index, most_bytes=_MOST_BYTES))
    except (OSError, ValueError) as error:
        raise ModelError(f"model {name}: {index.name} cannot be read ({error}).") from error
    shards = told.get("weight_map") if isinstance(told, dict) else None
    if not isinstance(shards, dict):
        raise ModelError(f"model {name}: {index.name} has no weight_map; download it again.")
    outside = sorted({f"{file}" for file in shards.values() if PurePath(f"{file}").name != file})
    if outside:
        raise ModelError(
            f"model {name}: {index.name} names {outside[0]!r:.80}, which is no file of the folder. "
            "Weights are read from the model's own folder only; correct the index."
        )
