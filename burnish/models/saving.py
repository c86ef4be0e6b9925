"""Folders that are complete or absent: written beside their final place, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from burnish.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@contextmanager
def complete_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` to write into; it takes the name on success.

    What stood at `folder` before is replaced only then. On failure nothing changes there and the
    partial folder is removed. Raises CheckpointError where the disk refuses (full, no permission).
    """
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        _clear(folder)
        partial.mkdir(parents=True)
        yield partial
        _flush(partial)
        _take_name(partial, folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder}: could not be written ({error}). What stood there before is unchanged. Free "
            "disk space or choose another folder, then run the same command again."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_layout(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    state: Mapping[str, Tensor] | None = None,
) -> None:
    """Write config, safetensors and tokenizer so that `transformers` and vLLM load them.

    `state` replaces the network's own weights.
    """
    network.save_pretrained(folder, state_dict=None if state is None else dict(state))
    tokenizer.save_pretrained(folder)


def _clear(folder: Path) -> None:
    """Remove what processes that were killed have left beside `folder`."""
    for kind in ("partial", "retired"):
        for left in folder.parent.glob(f".{folder.name}.{kind}-*"):
            shutil.rmtree(left, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Push the files to the disk, so that a power cut after the rename finds them whole."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _take_name(partial: Path, folder: Path) -> None:
    if not folder.exists():
        partial.rename(folder)
        return
    retired = folder.with_name(f".{folder.name}.retired-{os.getpid()}")
    folder.rename(retired)
    partial.rename(folder)
    shutil.rmtree(retired, ignore_errors=True)
