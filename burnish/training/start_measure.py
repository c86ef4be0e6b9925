"""What the start of a stage is worth on dev, measured once, ahead of its steps."""

from __future__ import annotations

import json
from pathlib import Path

from burnish.training.learner import Metrics
from burnish.training.stage import Measure, StageRun

START_FILE = "start.json"


def measured_start(run: StageRun, measure: Measure) -> Metrics:
    """The numbers of the model that is about to be trained, kept in the stage's folder."""
    path = run.folder / START_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".writing")
        beside.write_text(json.dumps(dict(measure())), encoding="utf-8")
        beside.replace(path)
    return read_start(path)


def read_start(path: Path) -> Metrics:
    """What `measured_start` has kept."""
    found: Metrics = json.loads(path.read_text(encoding="utf-8"))
    return found
