"""The table and the curves of a folder of searches: accuracy and cost, by method and budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from burnish.report.results_table import Cell, ResultsRow, ResultsTable, share_cell
from burnish.report.run_files import Row, as_number
from burnish.report.search_figure import CurvePoint, SearchCurve, search_figure
from burnish.report.wording import compact, label, percent

_SHARES = {"accuracy": "Accuracy", "covered": "A right one anywhere"}
_PARTS = {"sampled_tokens": "sampled", "value_tokens": "read"}
_HUES = {
    "mcts": "blue",
    "beam": "amber",
    "dfs": "teal",
    "bon": "violet",
    "orm": "green",
    "vote": "rose",
    "weighted_vote": "rose",
}
_FEWEST = 2
"""Points that make a curve."""


@dataclass(frozen=True, slots=True)
class SearchTable:
    """A row for each method and budget that is done, a colour name by row, the best of them, and
    accuracy against tokens as SVG; no drawing where each method has one budget."""

    table: ResultsTable
    hues: dict[str, str]
    headline: str
    figure: str


def search_table(results: Row) -> SearchTable | None:
    """What `searches` of `results.json` says; None where there is nothing."""
    found = [
        (method, f"{label(method)}, {int(budget):,} tokens", row)
        for method, rows in _objects(results.get("searches")).items()
        for budget, row in _objects(rows).items()
        if budget.isdecimal()
    ]
    if not found:
        return None
    rows = [ResultsRow(title, _cells(row)) for _, title, row in found]
    return SearchTable(
        table=ResultsTable((*_SHARES.values(), "Tokens", "Nodes"), tuple(rows)),
        hues={title: _HUES.get(method, "slate") for method, title, _ in found},
        headline=_headline(results, [(title, row) for _, title, row in found]),
        figure=_figure([(method, row) for method, _, row in found]),
    )


def _figure(rows: list[tuple[str, Row]]) -> str:
    points: dict[str, set[CurvePoint]] = {}
    for method, row in rows:
        accuracy = _object(row.get("accuracy"))
        numbers = [as_number(row.get("tokens"))]
        numbers += [as_number(accuracy.get(name)) for name in ("value", "low", "high")]
        known = [number for number in numbers if number is not None]
        if len(known) == len(numbers):
            points.setdefault(method, set()).add(CurvePoint(*known))
    if all(len(of) < _FEWEST for of in points.values()):
        return ""
    curves = [
        SearchCurve(label(method), method, tuple(sorted(of, key=lambda point: point.tokens)))
        for method, of in points.items()
    ]
    return search_figure(curves)


def _cells(row: Row) -> tuple[Cell | None, ...]:
    shares = [share_cell(_object(row.get(name))) for name in _SHARES]
    parts = [
        f"{compact(part)} {word}"
        for name, word in _PARTS.items()
        if (part := as_number(row.get(name))) is not None
    ]
    return (*shares, _mean(row, "tokens", ", ".join(parts)), _mean(row, "nodes", ""))


def _mean(row: Row, name: str, note: str) -> Cell | None:
    mean = as_number(row.get(name))
    return None if mean is None else Cell(compact(mean), note, None)


def _headline(results: Row, rows: list[tuple[str, Row]]) -> str:
    scored = [
        (accuracy, title)
        for title, row in rows
        if (accuracy := as_number(_object(row.get("accuracy")).get("value"))) is not None
    ]
    if not scored:
        return ""
    accuracy, title = max(scored, key=lambda pair: pair[0])
    size = as_number(results.get("test_size"))
    of = f" of {size:,.0f} problems" if size else ""
    return f"{title} a problem: {percent(accuracy)}{of} right."


def _objects(value: object) -> dict[str, Row]:
    found = _object(value)
    return {str(key): row for key, row in found.items() if isinstance(row, Mapping)}


def _object(value: object) -> Row:
    return value if isinstance(value, Mapping) else {}
