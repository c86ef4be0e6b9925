"""Constitutional AI's card: by every principle, how later answers fare beside the first ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from burnish.report.results_table import Cell, ResultsRow, ResultsTable, share_cell
from burnish.report.run_files import Row, as_number
from burnish.report.wording import compact, in_sentence, label

_TITLES = {"revised": "Revised answers"}


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Tables with a row for each principle (or true number), a column for each later model.

    Attributes:
        start: whose answers all are compared with.
        judge: who compares.
        preferred: how likely the later answer is taken for the better one.
        gold: what is truly so, before and after; None where nobody knows.
        rounds: true numbers after each revision; None where nobody knows.
    """

    start: str
    judge: str
    preferred: ResultsTable
    gold: ResultsTable | None
    rounds: ResultsTable | None


def scorecard(results: Row) -> Scorecard | None:
    """What `scorecard` and `revisions` of `results.json` say; None where there is none."""
    found = _object(results.get("scorecard"))
    models = {name: _object(row) for name, row in _object(found.get("models")).items()}
    principles = list(
        dict.fromkeys(p for row in models.values() for p in _object(row.get("principles")))
    )
    if not principles:
        return None
    titles = tuple(_TITLES.get(name) or label(name) for name in models)
    preferred = [
        ResultsRow(p, tuple(share_cell(_entry(row, p, "preferred")) for row in models.values()))
        for p in principles
    ]
    return Scorecard(
        start=in_sentence(str(found.get("start", ""))),
        judge=str(found.get("judge", "")),
        preferred=ResultsTable(titles, tuple(preferred)),
        gold=_gold_table(models, principles, titles),
        rounds=_rounds_table(_object(results.get("revisions"))),
    )


def _gold_table(
    models: Mapping[str, Row], principles: list[str], titles: tuple[str, ...]
) -> ResultsTable | None:
    """The first answers' numbers, then each later model's."""
    rows = []
    for name in ["reward", *principles]:
        gold = [
            _object(row.get("gold")) if name == "reward" else _entry(row, name, "gold")
            for row in models.values()
        ]
        if all(gold):
            cells = [_number(gold[0].get("before")), *(_number(g.get("after")) for g in gold)]
            rows.append(ResultsRow(name, tuple(cells)))
    return ResultsTable(("First answers", *titles), tuple(rows)) if rows else None


def _rounds_table(revisions: Row) -> ResultsTable | None:
    """A column for each round."""
    found = revisions.get("rounds")
    rounds = [_object(entry) for entry in found] if isinstance(found, list) else []
    if not rounds or not rounds[0]:
        return None
    rows = [
        ResultsRow(name, tuple(_number(entry.get(name)) for entry in rounds)) for name in rounds[0]
    ]
    titles = ("First answers", *(f"Revision {n}" for n in range(1, len(rounds))))
    return ResultsTable(titles, tuple(rows))


def _entry(row: Row, principle: str, name: str) -> Row:
    return _object(_object(_object(row.get("principles")).get(principle)).get(name))


def _number(entry: object) -> Cell | None:
    found = _object(entry)
    value, low, high = (as_number(found.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return None
    interval = "" if low is None or high is None else f"{compact(low)} to {compact(high)}"
    return Cell(compact(value), interval, None)


def _object(value: object) -> Row:
    return value if isinstance(value, Mapping) else {}
