"""A stage that is stopped and continued makes the step that it would have made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from burnish.run.doctor.check import Check, Finding, judged, skipped
from burnish.training.stage import Stage, StageRun

RESUME = "a stopped stage goes on where it was"


def check_resume(stage: Stage, folder: Path, *, seed: int, artifacts: Mapping[str, Path]) -> Check:
    """The metrics of the second step, with and without a stop before it, are the same numbers.

    They name rows, samples, weights and optimizer at once: another order of the data, or a moment
    that was forgotten, shows in them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = StageRun(stage.name, folder, seed=seed, artifacts=artifacts)
    steps = stage.run(whole)
    if next(steps, None) is None or whole.num_steps < 2:
        return skipped(RESUME, f"{stage.name} has one step only")
    whole.write_checkpoint()
    expected = next(steps, None)
    if expected is None:
        return skipped(RESUME, f"{stage.name} ends after one step")
    again = stage.run(StageRun(stage.name, folder, seed=seed, artifacts=artifacts))
    continued = next(again, None)
    found = {} if continued is None else continued.metrics
    differing = [key for key, value in expected.metrics.items() if not _same(value, found.get(key))]
    if not differing:
        seen = f"step 2 of {stage.name} is the same after a stop"
        return judged(RESUME, None, seen=seen)
    key = differing[0]
    fault = Finding(
        f"{len(differing)} of {len(expected.metrics)} numbers of step 2 of {stage.name} differ "
        f"after a stop, such as {key}: {expected.metrics[key]:.6g} and {found.get(key)}. Rows "
        "would be seen twice or never, and a resumed run would be another one.",
        "Register everything that changes with StageRun.steps; derive the rest from the step.",
    )
    return judged(RESUME, fault, seen="", numbers={"differing": len(differing)})


def _same(a: float, b: float | None) -> bool:
    return b is not None and (math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9))
