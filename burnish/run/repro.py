"""A step that failed for numbers that were not finite, kept so that it can be done again.

repro/02-reft-step-000012/repro.json     stage, step and error
repro/02-reft-step-000012/checkpoints/   the stage's last whole checkpoint before it, if any

A stage is a function of its recipe, its checkpoint and what earlier stages left, so the failing
batch need not be stored: the steps since the checkpoint are done again in a copy of the stage's
folder, and the run stays as it is.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from burnish.errors import CheckpointError, NonFiniteError
from burnish.run.folder import RunFolder
from burnish.run.recipe import load_recipe
from burnish.training.checkpoint import newest_checkpoint
from burnish.training.stage import Stage, StageRun

_FILE = "repro.json"
_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class FailedStep:
    """Where a run ended.

    Attributes:
        stage: name of the stage's folder, such as `02-reft`.
        step: number of the step, from 1.
        error: what was said.
    """

    stage: str
    step: int
    error: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What doing the step again has shown.

    Attributes:
        failed: the step.
        error: what was said this time; None where the step did not fail again.
        module: the first module of the model whose output was not finite; empty where all were.
    """

    failed: FailedStep
    error: str | None
    module: str


def keep_repro(run: StageRun, error: NonFiniteError, folder: RunFolder) -> Path:
    """Write what `replay` needs to do the step after `run.num_done - 1` again; its folder."""
    failed = FailedStep(run.folder.name, run.num_done, str(error))
    at = folder.path / "repro" / f"{failed.stage}-step-{failed.step:06d}"
    shutil.rmtree(at, ignore_errors=True)
    before = newest_checkpoint(run.folder / _CHECKPOINTS)
    if before is not None:
        shutil.copytree(before, at / _CHECKPOINTS / before.name)
    folder.write_json(str((at / _FILE).relative_to(folder.path)), asdict(failed))
    return at


def replay(at: Path, overrides: Sequence[str] = ()) -> Replayed:
    """Do a failed step again, in a copy.

    Args:
        at: what `keep_repro` has made, in its run.
        overrides: of the recipe, as on the command line, to see what would have helped.

    Raises CheckpointError where `at` is no such folder, ConfigError where no run is around it.
    """
    failed = _read(at)
    folder = RunFolder(at.resolve().parent.parent)
    recipe = load_recipe(folder.path / "config.yaml", overrides)
    bench = recipe.workbench()
    stages = recipe.method.stages(bench)
    with tempfile.TemporaryDirectory() as copy:
        stage, run = _prepared(failed, at, folder, stages, Path(copy), seed=recipe.seed)
        with _first_broken_module(run) as found:
            error = _error_of(stage.run(run), run, failed.step)
    return Replayed(failed, error, found[0] if found else "")


def _error_of(steps: Iterator[object], run: StageRun, last: int) -> str | None:
    """What is said up to and with step `last`; None where nothing is."""
    try:
        for _ in steps:
            if run.num_done >= last:
                return None
    except NonFiniteError as error:
        return str(error)
    return None


def _prepared(
    failed: FailedStep,
    at: Path,
    folder: RunFolder,
    stages: Sequence[Stage],
    copy: Path,
    *,
    seed: int,
) -> tuple[Stage, StageRun]:
    """The stage, and its run in a copy of its folder as it stood before the step."""
    places = {folder.stage(n, stage.name).name: stage for n, stage in enumerate(stages, start=1)}
    stage = places[failed.stage]
    earlier = list(places)[: list(places).index(failed.stage)]
    artifacts = {
        places[name].name: folder.path / "stages" / name / (places[name].hands_on or "")
        for name in earlier
    }
    original = folder.path / "stages" / failed.stage
    if original.is_dir():
        skipped = shutil.ignore_patterns(_CHECKPOINTS, "last", "selected", "rewarded")
        shutil.copytree(original, copy, ignore=skipped, dirs_exist_ok=True)
    if (at / _CHECKPOINTS).is_dir():
        shutil.copytree(at / _CHECKPOINTS, copy / _CHECKPOINTS)
    return stage, StageRun(stage.name, copy, seed=seed, artifacts=artifacts)


def _read(at: Path) -> FailedStep:
    try:
        return FailedStep(**json.loads((at / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{at}: holds no {_FILE} that can be read ({error}). Name the folder that the error of "
            "the run has named, such as runs/mine/repro/02-reft-step-000012."
        ) from error


@contextmanager
def _first_broken_module(run: StageRun) -> Iterator[list[str]]:
    """Collects the name of the first module whose output is not finite, while it is open."""
    found: list[str] = []

    def look(module: nn.Module, _inputs: object, output: object) -> None:
        if found or not isinstance(output, Tensor) or bool(torch.isfinite(output).all()):
            return
        network = None if run.model is None else run.model.network
        names = {} if network is None else {m: n for n, m in network.named_modules()}
        found.append(names.get(module) or type(module).__name__)

    handle = register_module_forward_hook(look)
    try:
        yield found
    finally:
        handle.remove()
