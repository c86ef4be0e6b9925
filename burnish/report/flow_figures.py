"""A figure per model: how many samples stayed right, were put right, were spoilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from burnish.report.correction_models import CorrectionModel
from burnish.report.flows import FlowChart, Moves, draw_flow
from burnish.report.wording import in_sentence, percent, signed


@dataclass(frozen=True, slots=True)
class FlowFigure:
    """The flow of one model.

    Attributes:
        stage, title: whose.
        chart: ready to draw.
        caption: how it differs from the first model's.
        description: the whole drawing in words, for those who cannot see it.
    """

    stage: str
    title: str
    chart: FlowChart
    caption: str
    description: str


def flow_figures(models: Sequence[CorrectionModel]) -> list[FlowFigure]:
    """One for each model that has counts, on the same scale; the first is compared with."""
    counted = [model for model in models if model.moves]
    return [
        FlowFigure(
            stage=model.stage,
            title=model.title,
            chart=draw_flow(model.moves),
            caption=_caption(model, counted[0]),
            description=_description(model),
        )
        for model in counted
    ]


def _caption(model: CorrectionModel, first: CorrectionModel) -> str:
    unseen = _unseen(model.moves)
    if model is first:
        return f"{model.moves[0].total:,} samples.{unseen}"
    pairs = list(zip(model.moves, first.moves, strict=False))
    changes = [
        f"fixed {_points(now.fixed_share - then.fixed_share)}, "
        f"broken {_points(now.broken_share - then.broken_share)}{_between(number, len(pairs))}"
        for number, (now, then) in enumerate(pairs, start=1)
    ]
    return f"Against {in_sentence(first.stage)}: {'; '.join(changes)}.{unseen}"


def _unseen(transitions: Sequence[Moves]) -> str:
    """What has no band, and so no label."""
    return "".join(
        f" None was {' or '.join(none)}{_between(number, len(transitions))}."
        for number, moves in enumerate(transitions, start=1)
        if (none := [kind for kind, count in moves.by_kind().items() if not count])
    )


def _points(difference: float) -> str:
    return f"{signed(100 * difference)} points"


def _between(number: int, num_transitions: int) -> str:
    """Which attempts, where there are more than two."""
    return f" from attempt {number} to {number + 1}" if num_transitions > 1 else ""


def _description(model: CorrectionModel) -> str:
    parts = [_in_words(number, moves) for number, moves in enumerate(model.moves, start=1)]
    return f"{model.title}, {model.moves[0].total} samples. {' '.join(parts)}"


def _in_words(number: int, moves: Moves) -> str:
    counts = {
        "stayed right": moves.kept,
        "were fixed": moves.fixed,
        "were broken": moves.broken,
        "stayed wrong": moves.missed,
    }
    listed = ", ".join(f"{n} {name} ({percent(n / moves.total)})" for name, n in counts.items())
    return f"From attempt {number} to {number + 1}, {listed}."
