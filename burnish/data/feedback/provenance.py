"""What rows of feedback say beside the feedback: who said it, how much it counts, numbers."""

from __future__ import annotations

from burnish.data.jsonl import Row, json_type
from burnish.errors import DataError

_LARGEST = 1e9


def number_in(row: Row, column: str) -> float | None:
    """A number; None where the row has none. Raises DataError for anything else."""
    found = row.columns.get(column)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise DataError(f'{row.where}: "{column}" is {json_type(found)}; it must be a number')
    if not abs(found) <= _LARGEST:
        raise DataError(f'{row.where}: "{column}" is {str(found)[:20]}, beyond any scale')
    return float(found)


def provenance_of(row: Row) -> tuple[str, float]:
    """The columns `source` (default: human) and `weight` (default: 1). Raises DataError."""
    source = row.text("source") if row.columns.get("source") is not None else "human"
    weight = number_in(row, "weight")
    if weight is not None and weight <= 0:
        raise DataError(f'{row.where}: "weight" is {weight:g}; it must be more than 0')
    return source, 1.0 if weight is None else weight


def name_in(row: Row, column: str) -> str:
    """Who said it, a text or a number; "" where the row does not say. Raises DataError."""
    found = row.columns.get(column)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return "" if found is None else row.text(column)
