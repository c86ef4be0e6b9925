"""What the final numbers say about second attempts: tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from burnish.report.correction_models import CorrectionModel, correction_models, other_models
from burnish.report.correction_table import CorrectionTable, correction_table
from burnish.report.flow_figures import FlowFigure, flow_figures
from burnish.report.run_files import Row, as_number
from burnish.report.wording import in_sentence, label, percent, signed

_INTERVAL = ("value", "low", "high")


@dataclass(frozen=True, slots=True)
class Correction:
    """All that the page says about self-correction on the test problems.

    Attributes:
        table: of the base model and each stage.
        others: the same of the models that a stage could have handed on instead.
        figures: one per model of `table` that has counts.
        sentences: what the last model's attempts gain.
        imitated: what stages that only sample have left for others to imitate.
        alarms: what has collapsed, in sentences; None where nobody has looked.
    """

    table: CorrectionTable
    others: CorrectionTable
    figures: tuple[FlowFigure, ...]
    sentences: tuple[str, ...]
    imitated: tuple[str, ...]
    alarms: tuple[str, ...] | None


def correction(results: Row) -> Correction | None:
    """What `results.json` says, or None where no model was asked several times."""
    models = correction_models(results)
    if not models:
        return None
    return Correction(
        table=correction_table(models),
        others=correction_table(other_models(results)),
        figures=tuple(flow_figures(models)),
        sentences=tuple(_gains(models[-1])),
        imitated=tuple(_imitated(results.get("sampled"))),
        alarms=_alarms(results.get("alarms")),
    )


def attempts_headline(results: Row) -> str:
    """One sentence: first and last attempts of the last stage, and of the first model."""
    models = correction_models(results)
    if not models:
        return ""
    last, base = models[-1], models[0]
    size = as_number(results.get("test_size"))
    problems = f"{size:,.0f} test problems" if size else "the test problems"
    shares = last.shares_right
    whole = (
        f"{_name(last)} answers {percent(shares[0])} of {problems} right at attempt 1 and "
        f"{percent(shares[-1])} at attempt {len(shares)}"
    )
    if base is last:
        return f"{whole}."
    theirs = f"{percent(base.shares_right[0])} and {percent(base.shares_right[-1])}"
    return f"{whole}; {in_sentence(base.stage)} {theirs}."


def _gains(model: CorrectionModel) -> list[str]:
    """The gain of each attempt on the one before, and whether its interval excludes 0."""
    return [
        sentence
        for number, transition in enumerate(model.transitions, start=1)
        if (sentence := _gain(_name(model), number, transition.get("delta")))
    ]


def _name(model: CorrectionModel) -> str:
    """At the beginning of a sentence."""
    return _capitalised(in_sentence(model.stage))


def _gain(name: str, number: int, delta: object) -> str:
    ends = [as_number(delta.get(k)) if isinstance(delta, Mapping) else None for k in _INTERVAL]
    value, low, high = ends
    if value is None or low is None or high is None:
        return ""
    way = "gains" if value > 0 else "loses" if value < 0 else "changes by"
    verdict = (
        "the interval contains 0, so this test cannot tell whether trying again helps or harms"
        if low <= 0 <= high
        else f"the interval excludes 0, so trying again {'helps' if low > 0 else 'harms'}"
    )
    return (
        f"{name} {way} {abs(100 * value):.1f} points from attempt {number} to {number + 1} "
        f"(95 % interval {signed(100 * low)} to {signed(100 * high)}): {verdict}."
    )


def _alarms(found: object) -> tuple[str, ...] | None:
    return tuple(_capitalised(str(a)) for a in found) if isinstance(found, list) else None


def _imitated(sampled: object) -> list[str]:
    """Of each stage with counts, one sentence."""
    stages = sampled.items() if isinstance(sampled, Mapping) else ()
    return [
        f"{label(str(stage))}: {_written(counts, 'kept')} of {_written(counts, 'chains')} sampled "
        f"chains are imitated, from {_written(counts, 'kept_problems')} problems; in "
        f"{_written(counts, 'kept_wrong_to_right')} a wrong attempt is put right, and "
        f"{_written(counts, 'kept_copies')} repeat the attempt before."
        for stage, counts in stages
        if isinstance(counts, Mapping) and "kept" in counts
    ]


def _written(counts: Row, key: str) -> str:
    number = as_number(counts.get(key))
    return "?" if number is None else f"{number:,.0f}"


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
