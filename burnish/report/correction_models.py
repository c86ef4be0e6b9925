"""The models of `results.json` that were asked several times.

Any entry counts that holds `accuracy_t1`, `accuracy_t2`, ... and `t1-t2`, ..., whatever the method
and its stages are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, takewhile

from burnish.report.flows import Moves
from burnish.report.run_files import Row, as_number
from burnish.report.wording import label


@dataclass(frozen=True, slots=True)
class CorrectionModel:
    """One model's numbers.

    Attributes:
        stage: its name in the results; for another model of a stage, the stage's.
        title: as people write it.
        accuracies: of each attempt, with intervals.
        transitions: the measures of each attempt against the one before.
    """

    stage: str
    title: str
    accuracies: tuple[Row, ...]
    transitions: tuple[Row, ...]

    @property
    def shares_right(self) -> tuple[float, ...]:
        """Accuracy of each attempt, from 0 to 1."""
        return tuple(as_number(entry["value"]) or 0.0 for entry in self.accuracies)

    @property
    def moves(self) -> tuple[Moves, ...]:
        """Counts of each transition; empty where one lacks them."""
        found = [_moves(transition.get("counts")) for transition in self.transitions]
        known = tuple(moves for moves in found if moves is not None and moves.total)
        return known if len(known) == len(found) else ()


def correction_models(results: Row) -> list[CorrectionModel]:
    """The base model and each stage's own model, in the order of the results."""
    found = (_model(name, label(name), entry) for name, entry in results.items())
    return [model for model in found if model is not None]


def other_models(results: Row) -> list[CorrectionModel]:
    """The models that a stage could have handed on instead."""
    found = (
        _model(name, f"{label(name)}, {choice} model", entry)
        for name, stage in results.items()
        if isinstance(stage, Mapping)
        for choice, entry in stage.items()
    )
    return [model for model in found if model is not None]


def _model(stage: str, title: str, entry: object) -> CorrectionModel | None:
    """None where the entry is not of a model with at least two attempts."""
    if not isinstance(entry, Mapping):
        return None
    turns = takewhile(
        lambda turn: as_number(_inside(entry, f"accuracy_t{turn}").get("value")) is not None,
        count(1),
    )
    accuracies = [_inside(entry, f"accuracy_t{turn}") for turn in turns]
    names = [f"t{turn}-t{turn + 1}" for turn in range(1, len(accuracies))]
    if not names:
        return None
    transitions = tuple(_inside(entry, name) for name in names)
    return CorrectionModel(stage, title, tuple(accuracies), transitions)


def _inside(entry: Row, key: str) -> Row:
    found = entry.get(key)
    return found if isinstance(found, Mapping) else {}


def _moves(counts: object) -> Moves | None:
    if not isinstance(counts, Mapping):
        return None
    kinds = [as_number(counts.get(kind)) for kind in ("kept", "fixed", "broken", "missed")]
    known = [int(number) for number in kinds if number is not None and number >= 0]
    return Moves(*known) if len(known) == len(kinds) else None
