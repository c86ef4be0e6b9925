"""Rolling back: a stage of self-training hands on its start where training has made it worse."""

from __future__ import annotations

from collections.abc import Iterator

from burnish.models.trained_state import trained_state
from burnish.training.stage import Measure, Selection, StageRun, StepResult, Trained
from burnish.training.start_measure import measured_start


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
    value = next(iter(measured_start(run, measure).values()))
    yield from steps
    assert run.selection.best is not None, "the last step is always measured"
    if run.selection.best < value - tolerance:
        run.selection = Selection(best=value, best_step=0, weights=before)
