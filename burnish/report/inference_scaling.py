"""Are corrections worth more than as many attempts? What evaluations of the run have found.

`burnish eval RUN --inference-scaling 2,4,8 --out RUN/scaling.json` leaves the numbers in the run's
folder: at each budget K the vote over K attempts and the vote over K/2 corrected ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from burnish.report.charts import WIDE
from burnish.report.results_table import Cell, ResultsRow, ResultsTable, share_cell
from burnish.report.run_files import Row, as_number
from burnish.report.scaling_chart import ScalingChart, Share, Way, draw_scaling
from burnish.report.wording import label, percent, signed

PARALLEL, CORRECTED = "vote over K attempts", "vote over K/2 corrected attempts"
_COLUMNS = ("Vote over K attempts", "Over K/2 corrected", "Difference", "Sampled tokens")
_STAGE = re.compile(r"stages/\d+-(?P<stage>\w+)/(?P<choice>\w+)/?$")


@dataclass(frozen=True, slots=True)
class ScalingFigure:
    """What one model's votes are worth.

    Attributes:
        title: of the model.
        caption: at which temperature, on how many problems.
        chart, wide_chart: for narrow and wide places.
        single: accuracy of one attempt as written; empty where it is unknown.
        sentence: which way is better at the largest budget.
        table: all budgets.
        description: the drawing in words, for those who cannot see it.
    """

    title: str
    caption: str
    chart: ScalingChart
    wide_chart: ScalingChart
    single: str
    sentence: str
    table: ResultsTable
    description: str


@dataclass(frozen=True, slots=True)
class _Budget:
    """One K: both votes, and the row that they are from."""

    k: int
    parallel: Share
    corrected: Share
    row: Row


def scaling_figures(evaluations: Iterable[Row]) -> list[ScalingFigure]:
    """One for each model of an evaluation that has `inference_scaling`, in the order given."""
    return [
        _figure(str(model), found, budgets)
        for evaluation in evaluations
        for model, entry in evaluation.items()
        if isinstance(entry, Mapping)
        and (found := _object(entry.get("inference_scaling")))
        and (budgets := _budgets(found))
    ]


def _figure(model: str, found: Row, budgets: Sequence[_Budget]) -> ScalingFigure:
    single = as_number(_object(found.get("single")).get("value"))
    ways = [
        Way(PARALLEL, "slate", tuple(at.parallel for at in budgets)),
        Way(CORRECTED, "blue", tuple(at.corrected for at in budgets)),
    ]
    ks, title = [at.k for at in budgets], _title(model)
    return ScalingFigure(
        title=title,
        caption=_caption(found),
        chart=draw_scaling(ks, ways, single=single),
        wide_chart=draw_scaling(ks, ways, single=single, width=WIDE),
        single="" if single is None else percent(single),
        sentence=_sentence(budgets[-1]),
        table=ResultsTable(_COLUMNS, tuple(_table_row(at) for at in budgets)),
        description=_description(title, budgets),
    )


def _budgets(found: Row) -> list[_Budget]:
    """The budgets that have both votes, the smallest first."""
    budgets = [
        _Budget(int(key), parallel, corrected, row)
        for key, row in found.items()
        if key.isdecimal()
        and isinstance(row, Mapping)
        and (parallel := _share(row.get("parallel")))
        and (corrected := _share(row.get("corrected")))
    ]
    return sorted(budgets, key=lambda at: at.k)


def _share(entry: object) -> Share | None:
    """Lower end, value and upper end; the value alone where there is no interval."""
    row = _object(entry)
    value, low, high = (as_number(row.get(key)) for key in ("value", "low", "high"))
    if value is None:
        return None
    return (value if low is None else low, value, value if high is None else high)


def _title(model: str) -> str:
    """A model of a stage by its stage, any other by its name."""
    place = _STAGE.search(model.replace("\\", "/"))
    if place is None:
        return model
    return f"{label(place['stage'])}, {place['choice']} model"


def _caption(found: Row) -> str:
    temperature = as_number(found.get("temperature"))
    size = as_number(_object(found.get("single")).get("n"))
    parts = [
        "" if temperature is None else f"temperature {temperature:g}",
        "" if size is None else f"{size:,.0f} problems",
        "shaded: 95 % intervals",
    ]
    return "; ".join(part for part in parts if part)


def _sentence(at: _Budget) -> str:
    """Which way is better at this budget, and at what cost in tokens."""
    paired = _object(at.row.get("paired"))
    gain, low, high = (as_number(paired.get(key)) for key in ("difference", "low", "high"))
    if gain is None or low is None or high is None:
        return ""
    verdict = (
        "the interval contains 0, so this test cannot tell which is worth more"
        if low <= 0 <= high
        else "the interval excludes 0, so here "
        + ("corrections are worth more" if low > 0 else "more attempts are worth more")
    )
    side = "higher" if gain > 0 else "lower"
    return (
        f"With {at.k} samples, the vote over {at.k // 2} corrected attempts is "
        f"{abs(100 * gain):.1f} points {side} than the vote over {at.k} attempts (95 % interval "
        f"{signed(100 * low)} to {signed(100 * high)}): {verdict}.{_cost(at.row)}"
    )


def _cost(row: Row) -> str:
    """How many more tokens corrections sample; they also read longer prompts."""
    tokens = _object(row.get("sampled_tokens"))
    parallel, corrected = (as_number(tokens.get(way)) for way in ("parallel", "corrected"))
    if not parallel or corrected is None:
        return ""
    more = 100 * (corrected / parallel - 1)
    side = "more" if more >= 0 else "fewer"
    return f" It samples {abs(more):.0f}\u00a0% {side} tokens, and reads longer prompts."


def _table_row(at: _Budget) -> ResultsRow:
    tokens = _object(at.row.get("sampled_tokens"))
    spent = [as_number(tokens.get(way)) for way in ("parallel", "corrected")]
    written = [f"{number:,.0f}" for number in spent if number is not None]
    cells = (
        share_cell(_object(at.row.get("parallel"))),
        share_cell(_object(at.row.get("corrected"))),
        _difference(_object(at.row.get("paired"))),
        Cell(written[0], f"corrected: {written[1]}", None) if len(written) == len(spent) else None,
    )
    return ResultsRow(str(at.k), cells)


def _difference(paired: Row) -> Cell | None:
    gain, low, high = (as_number(paired.get(key)) for key in ("difference", "low", "high"))
    if gain is None:
        return None
    interval = ""
    if low is not None and high is not None:
        interval = f"{signed(100 * low)} to {signed(100 * high)}"
    return Cell(signed(100 * gain), interval, None)


def _description(title: str, budgets: Sequence[_Budget]) -> str:
    votes = [
        f"K {at.k}: {percent(at.parallel[1])} and {percent(at.corrected[1])}" for at in budgets
    ]
    return f"{title}: {PARALLEL} and {CORRECTED}. {'; '.join(votes)}."


def _object(value: object) -> Row:
    return value if isinstance(value, Mapping) else {}
