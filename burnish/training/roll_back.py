"""Rolling back: a stage of self-training hands on its start where training has made it worse."""

from __future__ import annotations

import json
from collections.abc import Iterator

from burnish.models.trained_state import trained_state
from burnish.training.stage import Measure, Selection, StageRun, StepResult, Trained


def rolled_back(
    run: StageRun,
    steps: Iterator[StepResult],
    *,
    start: Trained,
    measure: Measure,
    tolerance: float,
) -> Iterator[StepResult]:
    """The same steps; at their end the start is selected, as step 0, if all of them fell behind it.

    Args:
        steps: of a stage that trains `start`, none of them done yet.
        measure: what the stage selects by. Of the start it is taken once, ahead of the steps, and
            kept in the stage's folder as `start.json`.
        tolerance: by how much the best number on dev may lie below the start's.
    """
    before = {name: p.detach().clone() for name, p in trained_state(start.network).items()}
    value = _start_value(run, measure)
    yield from steps
    assert run.selection.best is not None, "the last step is always measured"
    if run.selection.best < value - tolerance:
        run.selection = Selection(best=value, best_step=0, weights=before)


def _start_value(run: StageRun, measure: Measure) -> float:
    path = run.folder / "start.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".writing")
        beside.write_text(json.dumps(dict(measure())), encoding="utf-8")
        beside.replace(path)
    return float(next(iter(json.loads(path.read_text(encoding="utf-8")).values())))
