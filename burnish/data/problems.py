"""Problems from rows, one from each, with ids that tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from burnish.data.jsonl import Row
from burnish.errors import DataError
from burnish.types import Problem


def problems_of(rows: Sequence[Row], make: Callable[[Row], Problem]) -> list[Problem]:
    """A problem of each row, in order. Raises DataError where two have one id."""
    problems: list[Problem] = []
    first: dict[str, Row] = {}
    for row in rows:
        problem = make(row)
        earlier = first.setdefault(problem.id, row)
        if earlier is not row:
            raise DataError(
                f"{row.where}: id {problem.id!r} is that of line {earlier.number} too;"
                " ids must be unique"
            )
        problems.append(problem)
    return problems
