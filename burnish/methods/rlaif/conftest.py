from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.training.judging.judge_grader import TrueRewardGrader
from burnish.training.stage import Stage, StageRun
from burnish.training.workbench import Workbench

RunAll = Callable[[list[Stage], Path], tuple[dict[str, Path], dict[str, list]]]


@pytest.fixture
def bench(attempts_bench) -> Workbench:
    task = RepliesTask(train_size=12, dev_size=4, test_size=2)
    return replace(attempts_bench, task=task, grader=TrueRewardGrader(task))


@pytest.fixture
def run_all() -> RunAll:
    """What the driver does, as far as the stages can tell."""

    def run_all(stages: list[Stage], folder: Path) -> tuple[dict[str, Path], dict[str, list]]:
        artifacts: dict[str, Path] = {}
        metrics = {}
        for stage in stages:
            run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
            metrics[stage.name] = [result.metrics for result in stage.run(run)]
            artifacts[stage.name] = run.folder
            if run.model is not None:
                artifacts[stage.name] = run.folder / "last"
                run.model.save(run.folder / "last")
        return artifacts, metrics

    return run_all
