"""Measures of self-correction, a row each, with the models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from burnish.report.correction_models import CorrectionModel
from burnish.report.results_table import Cell, share_cell
from burnish.report.run_files import Row, as_number
from burnish.report.wording import compact, signed

Form: TypeAlias = Literal["share", "gain", "ratio"]
"""How a measure is written: in percent, in points with a sign, or as a number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of a transition: its key in the results, its title, what it is."""

    key: str
    title: str
    meaning: str
    form: Form = "share"


MEASURES = (
    Measure("delta", "Gain", "accuracy after less accuracy before", "gain"),
    Measure("fixed", "Fixed", "wrong, then right; of all"),
    Measure("broken", "Broken", "right, then wrong; of all"),
    Measure("fixed_of_wrong", "Fixed of the wrong", "of those wrong before"),
    Measure("broken_of_right", "Broken of the right", "of those right before"),
    Measure("answer_change", "Changed answers", "near 0 % attempts only repeat"),
    Measure("edit_ratio", "Edit ratio", "edit distance by the length of both", "ratio"),
)


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure of all models, a cell (or None) for each."""

    title: str
    meaning: str
    form: Form
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class MeasureGroup:
    """Rows under a heading."""

    title: str
    rows: tuple[MeasureRow, ...]


@dataclass(frozen=True, slots=True)
class CorrectionTable:
    """Models across, by stage and title; measures down."""

    models: tuple[tuple[str, str], ...]
    groups: tuple[MeasureGroup, ...]


def correction_table(models: Sequence[CorrectionModel]) -> CorrectionTable:
    """Accuracy of every attempt, then each transition; empty where there are no models."""
    num_turns = max((len(model.accuracies) for model in models), default=0)
    groups = [_accuracy_group(models, num_turns)] if models else []
    groups += [_transition_group(models, index) for index in range(num_turns - 1)]
    return CorrectionTable(tuple((m.stage, m.title) for m in models), tuple(groups))


def _accuracy_group(models: Sequence[CorrectionModel], num_turns: int) -> MeasureGroup:
    rows = [
        MeasureRow(
            f"Acc@t{turn + 1}",
            f"right at attempt {turn + 1}",
            "share",
            tuple(
                share_cell(m.accuracies[turn]) if turn < len(m.accuracies) else None for m in models
            ),
        )
        for turn in range(num_turns)
    ]
    return MeasureGroup("Accuracy", tuple(rows))


def _transition_group(models: Sequence[CorrectionModel], index: int) -> MeasureGroup:
    found = [m.transitions[index] if index < len(m.transitions) else {} for m in models]
    rows = [MeasureRow(m.title, m.meaning, m.form, tuple(_cells(m, found))) for m in MEASURES]
    return MeasureGroup(f"From attempt {index + 1} to {index + 2}", tuple(rows))


def _cells(measure: Measure, transitions: Sequence[Row]) -> list[Cell | None]:
    entries = [transition.get(measure.key) for transition in transitions]
    rows = [entry if isinstance(entry, Mapping) else {} for entry in entries]
    if measure.form == "gain":
        ends = [as_number(row.get(key)) for row in rows for key in ("value", "low", "high")]
        most = max((abs(end) for end in ends if end is not None), default=0.0) or 1.0
        return [_gain_cell(row, most) for row in rows]
    write = _ratio_cell if measure.form == "ratio" else share_cell
    return [write(row) for row in rows]


def _ratio_cell(entry: Row) -> Cell | None:
    cell = share_cell(entry)
    if cell is None:
        return None
    value, low, high = (as_number(entry.get(key)) for key in ("value", "low", "high"))
    assert value is not None
    interval = "" if low is None or high is None else f"{compact(low)} to {compact(high)}"
    return Cell(compact(value), interval, cell.bar)


def _gain_cell(entry: Row, most: float) -> Cell | None:
    """In points; the middle of its bar is 0, and its ends are the largest number of the row."""
    value, low, high = (as_number(entry.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return None
    low, high = (value, value) if low is None or high is None else (low, high)
    bar = [50 + 50 * end / most for end in (low, value, high)]
    interval = f"{signed(100 * low)} to {signed(100 * high)}"
    return Cell(signed(100 * value), interval, (bar[0], bar[1], bar[2]))
