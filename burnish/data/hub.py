"""Rows of a data set on the hub, or in a folder that the `datasets` library can read."""

from __future__ import annotations

from burnish.data.jsonl import Row
from burnish.errors import DataError


def load_hub_rows(name: str, *, split: str, subset: str | None = None) -> list[Row]:
    """All rows of a split. Raises DataError where the data set or the library is missing."""
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise DataError(
            f"data set {name!r}: loading from the hub needs the library `datasets`;"
            " install it with `pip install burnish[hub]`, or set `folder`"
        ) from error
    try:
        rows = load_dataset(name, subset, split=split)
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(
            f"data set {name!r}, split {split!r}: cannot be loaded"
            f" ({' '.join(str(error).split())[:300]}). Check the name and the network, or set"
            " `folder` to a local copy."
        ) from error
    source = f"{name}/{split}"
    return [Row(source, number, dict(row)) for number, row in enumerate(rows, start=1)]
