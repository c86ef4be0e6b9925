"""Which of the logged samples of a problem stand for a stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from burnish.report.run_files import Row, as_number


def by_problem(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of the same problem together, problems in the order of their first row."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row.get("problem_id", "")), []).append(row)
    return list(groups.values())


def by_stage(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of the same stage together, stages in the order of their first row."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row.get("stage", "")), []).append(row)
    return list(groups.values())


def first_step_row(rows: Sequence[Row]) -> Row:
    """The first-numbered sample of the first step."""
    return _first_sample(rows, min(step_of(row) for row in rows))


def last_step_row(rows: Sequence[Row]) -> Row:
    """The first-numbered sample of the last step."""
    return _first_sample(rows, max(step_of(row) for row in rows))


def first_and_last_step(rows: Sequence[Row]) -> list[Row]:
    """A sample of each; none where all are of the same step."""
    first, last = first_step_row(rows), last_step_row(rows)
    return [first, last] if step_of(first) != step_of(last) else []


def step_of(row: Row) -> float:
    """The step it was sampled at; 0 where that is not known."""
    return as_number(row.get("step")) or 0.0


def as_text(value: object) -> str:
    """Empty for nothing."""
    return "" if value is None else str(value)


def _first_sample(rows: Sequence[Row], step: float) -> Row:
    return min(
        (row for row in rows if step_of(row) == step),
        key=lambda row: as_number(row.get("sample")) or 0.0,
    )
