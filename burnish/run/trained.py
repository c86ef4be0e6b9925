"""Which model a finished run has handed on."""

from __future__ import annotations

import json
from pathlib import Path

from burnish.errors import CheckpointError


def last_model(run: Path) -> Path | None:
    """The folder of the model of the last stage that has one; None where none was to be trained.

    Raises CheckpointError where the run has not come as far as a model.
    """
    for summary in sorted(run.glob("stages/*/stage.json"), reverse=True):
        choice = json.loads(summary.read_text(encoding="utf-8"))["hands_on"]
        if choice is not None:
            return summary.parent / choice
    if (run / "results.json").exists():
        return None
    raise CheckpointError(
        f"{run} has no trained model: none of its stages has ended with one. Finish the run with "
        "--resume, or name a model with --model."
    )
