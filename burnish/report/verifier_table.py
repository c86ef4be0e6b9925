"""The table of value models as choosers among the same samples: `values` of `results.json`."""

from __future__ import annotations

from collections.abc import Mapping

from burnish.report.results_table import Cell, ResultsRow, ResultsTable, share_cell
from burnish.report.run_files import Row, as_number
from burnish.report.wording import percent, signed

_DIFFERENCES = {
    "lift": "More than one sample",
    "against_vote": "More than the vote",
    "against_first": "More than the first",
}


def verifier_table(results: Row) -> ResultsTable | None:
    """A row for each value model; None where there is none."""
    values = results.get("values")
    if not isinstance(values, Mapping):
        return None
    rows = [
        ResultsRow(str(name), _cells(found))
        for name, found in values.items()
        if isinstance(found, Mapping)
    ]
    columns = ("Right choice", *_DIFFERENCES.values(), "AUC")
    return ResultsTable(columns, tuple(rows)) if rows else None


def _cells(found: Row) -> tuple[Cell | None, ...]:
    accuracy, auc = found.get("accuracy"), as_number(found.get("auc"))
    return (
        share_cell(accuracy) if isinstance(accuracy, Mapping) else None,
        *(_points(found.get(name)) for name in _DIFFERENCES),
        None if auc is None else Cell(percent(auc), "", None),
    )


def _points(found: object) -> Cell | None:
    """A paired difference in points, with its interval."""
    if not isinstance(found, Mapping):
        return None
    difference, low, high = (as_number(found.get(k)) for k in ("difference", "low", "high"))
    if difference is None:
        return None
    interval = ""
    if low is not None and high is not None:
        interval = f"{signed(100 * low)} to {signed(100 * high)}"
    return Cell(signed(100 * difference), interval, None)
