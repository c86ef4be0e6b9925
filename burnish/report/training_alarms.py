"""What the monitors saw while a run trained, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from burnish.report.run_files import Row, as_number
from burnish.report.sample_rows import by_stage, step_of
from burnish.report.wording import label

_PREFIX = "alarm/"
_MEANINGS: Mapping[str, str] = {
    "no_edit": ": second attempts repeat the first",
    "sabotage": ": first attempts are worse than the base model's while the gain is larger",
}


def training_alarms(metrics: Sequence[Row]) -> list[str]:
    """A sentence for each `alarm/NAME` that was 1 at some evaluation of a stage."""
    names = dict.fromkeys(key for row in metrics for key in row if key.startswith(_PREFIX))
    return [
        sentence
        for rows in by_stage(metrics)
        for name in names
        if (sentence := _sentence(rows, name))
    ]


def _sentence(rows: Sequence[Row], name: str) -> str:
    looked = [row for row in rows if as_number(row.get(name)) is not None]
    rung = [row for row in looked if row[name] == 1]
    if not rung:
        return ""
    stage, alarm = label(str(rows[0].get("stage", ""))), name.removeprefix(_PREFIX)
    return (
        f"{stage}, {len(rung)} of {len(looked)} evaluations, last at step "
        f"{step_of(rung[-1]):.0f}: {label(alarm).lower()}{_MEANINGS.get(alarm, '')}."
    )
