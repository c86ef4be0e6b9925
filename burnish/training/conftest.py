"""Running the stages of a method in a test."""

from __future__ import annotations

from pathlib import Path

from burnish.training.stage import Stage, StageRun


def run_all(stages: list[Stage], folder: Path) -> tuple[dict[str, Path], dict[str, list]]:
    """What the driver does, as far as the stages can tell."""
    artifacts: dict[str, Path] = {}
    metrics = {}
    for stage in stages:
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
        metrics[stage.name] = [result.metrics for result in stage.run(run)]
        artifacts[stage.name] = run.folder
        if run.model is not None:
            run.model.save(run.folder)
    return artifacts, metrics
