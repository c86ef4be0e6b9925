"""The driver: runs the stages of a recipe, and between two steps logs, evaluates and checkpoints.

The only writer of a run folder. A stage that has ended is marked by `stage.json` and not run again.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType

import torch
from transformers import PreTrainedTokenizerBase

from burnish.errors import ModelError, NonFiniteError
from burnish.evaluation.dev_accuracy import measure_of_accuracy
from burnish.models.policy import Policy
from burnish.models.trained_state import load_trained_state
from burnish.run.alarms import Alarms, remedies_of
from burnish.run.final import final_results
from burnish.run.folder import RunFolder
from burnish.run.grading_time import TimedGrader
from burnish.run.memory import return_free_memory
from burnish.run.ownership import Stopped, held, recorded
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.run.repro import keep_repro
from burnish.run.turn_rows import turn_row
from burnish.training.stage import Measure, ModelChoice, Stage, StageRun, StepResult, Trained
from burnish.training.token_view import TokenView
from burnish.training.workbench import Workbench
from burnish.types import Json, Problem, Trajectory

_STEPS_PER_TRIM = 10
_SAMPLES_KEPT = 4


class Driver:
    """Runs one recipe in one folder."""

    def __init__(self, recipe: Recipe, folder: Path, *, progress: Progress) -> None:
        self._folder = RunFolder(folder)
        self._recipe = _pinned(recipe, self._folder)
        bench = self._recipe.workbench()
        self._grader = TimedGrader(bench.grader)
        self._bench: Workbench = replace(bench, grader=self._grader)
        self._progress = progress
        self._stop_signal: int | None = None
        self._is_testing = False
        self._train: dict[str, Problem] = {}
        self._seconds = 0.0

    def run(self, *, resume: bool) -> dict[str, Json]:
        """All stages, then the final evaluation; returns what `results.json` holds.

        Raises Stopped after SIGINT or SIGTERM, once the step in progress is saved. Of the final
        evaluation, what is done is saved already; it stops at once. Raises CheckpointError where
        another process runs in this folder.
        """
        with held(self._folder.path):
            self._folder.open(self._recipe.model_dump(mode="json"), resume=resume)
            with recorded(self._folder):
                return self._run()

    def _run(self) -> dict[str, Json]:
        self._train = {problem.id: problem for problem in self._bench.problems("train")}
        self._bench.dev_problems()  # their absence is an error before any stage
        stages = self._recipe.method.stages(self._bench)
        artifacts: dict[str, Path] = {}
        with self._signals():
            for index, stage in enumerate(stages, start=1):
                folder = self._folder.stage(index, stage.name)
                if not (folder / "stage.json").exists():
                    run = StageRun(stage.name, folder, seed=self._recipe.seed, artifacts=artifacts)
                    with self._reproducible(run):
                        self._run_stage(stage, run)
                artifacts[stage.name] = folder / (stage.hands_on or "")
                self._seconds += json.loads((folder / "stage.json").read_text())["seconds"]
            if self._stop_signal is not None:
                raise Stopped(self._stop_signal)
            self._is_testing = True
            results = final_results(
                self._recipe, self._bench, self._folder, stages, progress=self._progress
            )
        results["seconds"] = round(self._seconds + float(str(results["seconds"])), 1)
        self._folder.write_json("results.json", results)
        return results

    @contextmanager
    def _reproducible(self, run: StageRun) -> Iterator[None]:
        """Numbers that are not finite end the run with what it takes to see them again.

        Too little memory ends it with what to lower.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            compute = self._recipe.compute
            raise ModelError(
                f"{run.name}, step {run.num_done}: memory ran out ({error}). What was saved is "
                "intact: continue with --resume and a smaller compute.max_tokens_per_batch (now "
                f"{compute.max_tokens_per_batch}) or compute.max_concurrent (now "
                f"{compute.max_concurrent}); results agree within rounding."
            ) from error
        except NonFiniteError as error:
            kept = keep_repro(run, error, self._folder)
            raise NonFiniteError(
                f"{run.name}, step {run.num_done}: {error} `burnish repro {kept}` does this step "
                "again; settings after it, such as compute.dtype=float32, show what would help."
            ) from error

    def _run_stage(self, stage: Stage, run: StageRun) -> None:
        clock = _Clock(self._folder, run.folder / "checkpoints" / "seconds")
        measure: Measure | None = None
        alarms = Alarms(self._progress, remedies_of(self._recipe.method))
        for result in self._announced(stage.run(run), run):
            row = dict(result.metrics)
            if run.is_evaluation_due:
                measure = measure or self._measure(run)
                row |= self._selected(run, measure())
                alarms.heed(f"{run.name}, step {run.num_done}", row)
            row |= self._grader.lap()
            self._log(run, result, row, seconds=clock.elapsed)
            self._progress.step(run.num_done, row)
            if run.num_done % _STEPS_PER_TRIM == 0:
                return_free_memory()
            asked = self._stop_signal  # read once: a signal may also come between the two checks
            if asked is not None or run.num_done % self._recipe.checkpoint_every == 0:
                run.write_checkpoint()
                clock.save()
            if asked is not None:
                raise Stopped(asked)
        self._finish(run, stage.hands_on, seconds=clock.elapsed)

    def _announced(self, results: Iterator[StepResult], run: StageRun) -> Iterator[StepResult]:
        """The same results; when the first is there the stage knows its length and its place."""
        for position, result in enumerate(results):
            if position == 0:
                self._folder.forget_after(run.name, run.num_done - 1)
                self._progress.stage(run.name, run.num_done - 1, run.num_steps)
                for name in run.damaged_checkpoints:
                    self._progress.warn(f"{run.folder}: checkpoint {name} is damaged; passed over")
            yield result

    def _measure(self, run: StageRun) -> Measure:
        """The stage's own measure; where it has none, greedy accuracy on the dev split."""
        if run.measure is not None:
            return run.measure
        policy = run.model
        assert isinstance(policy, Policy)
        return measure_of_accuracy(self._bench, policy)

    def _selected(self, run: StageRun, found: Mapping[str, float]) -> Mapping[str, float]:
        """The same numbers; keeps the model if the first of them is the best so far."""
        assert run.model is not None
        run.selection.consider(next(iter(found.values())), run.num_done, run.model)
        return found

    def _log(
        self, run: StageRun, result: StepResult, row: dict[str, float], *, seconds: float
    ) -> None:
        place: dict[str, Json] = {"stage": run.name, "step": run.num_done}
        timed: dict[str, Json] = {**place, "time_s": round(seconds, 3)}
        self._folder.append("metrics.jsonl", [timed | row])
        samples = result.trajectories[:: max(1, len(result.trajectories) // _SAMPLES_KEPT)]
        self._folder.append(
            "samples.jsonl", [place | self._sample(t) for t in samples[:_SAMPLES_KEPT]]
        )
        if run.model is not None:
            tokenizer = run.model.tokenizer
            views = [place | _token_row(view, tokenizer) for view in result.token_views]
            self._folder.append("tokens.jsonl", views)

    def _sample(self, trajectory: Trajectory) -> dict[str, Json]:
        problem = self._train[trajectory.problem_id]
        return {
            "split": "train",
            "problem_id": problem.id,
            "prompt": self._bench.task.prompt(problem),
            "text": trajectory.text,
            "answer": trajectory.score.answer,
            "gold": problem.answer,
            "reward": trajectory.score.reward,
            "is_correct": trajectory.score.is_correct,
            "stop_reason": trajectory.stop_reason.value,
            "sample": 0,
            **_turns(trajectory),
        }

    def _finish(self, run: StageRun, hands_on: ModelChoice | None, *, seconds: float) -> None:
        """Save the stage's models, where it has trained one, and mark it as ended."""
        if run.model is not None:
            _save_models(run, run.model)
        summary: dict[str, Json] = {
            "steps": run.num_done,
            "selected_step": run.selection.best_step,
            "selected_dev_value": run.selection.best,
            "hands_on": hands_on,
            **_rewarded_summary(run),
            "seconds": round(seconds, 1),
        }
        self._folder.write_json(
            str((run.folder / "stage.json").relative_to(self._folder.path)), summary
        )

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the run after the step in progress; a second one, at once."""

        def ask(number: int, _frame: FrameType | None) -> None:
            self._stop_signal = number
            signal.signal(number, signal.SIG_DFL)
            if self._is_testing:
                raise Stopped(number)

        before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Clock:
    """Seconds a stage has run, over all its processes, counted up to the last checkpoint."""

    def __init__(self, folder: RunFolder, path: Path) -> None:
        """`path`: where the seconds are kept, in `folder`."""
        self._folder, self._path = folder, path
        self._before = float(path.read_text(encoding="utf-8")) if path.exists() else 0.0
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        return self._before + time.monotonic() - self._start

    def save(self) -> None:
        name = str(self._path.relative_to(self._folder.path))
        self._folder.write_text(name, f"{self.elapsed:.3f}")


def _turns(trajectory: Trajectory) -> dict[str, Json]:
    """Every attempt, where there are several; what stands beside them is the last one's."""
    if not trajectory.turns:
        return {}
    turns = [turn_row(turn.text, turn.score, turn.stop_reason) for turn in trajectory.turns]
    return {"turns": [*turns]}


def _rewarded_summary(run: StageRun) -> dict[str, Json]:
    """The choice by training reward, where the stage makes one."""
    if run.rewarded is None:
        return {}
    return {"rewarded_step": run.rewarded.best_step, "rewarded_value": run.rewarded.best}


def _save_models(run: StageRun, model: Trained) -> None:
    """The model of the last step, that with the best training reward, then the selected one."""
    model.save(run.folder / "last")
    if run.rewarded is not None:
        if run.rewarded.weights:
            load_trained_state(model.network, run.rewarded.weights)
        model.save(run.folder / "rewarded")
    if run.selection.weights:
        load_trained_state(model.network, run.selection.weights)
    model.save(run.folder / "selected")


def _token_row(view: TokenView, tokenizer: PreTrainedTokenizerBase) -> dict[str, Json]:
    row = asdict(view)
    row["tokens"] = [tokenizer.decode([i]) for i in row.pop("token_ids")]
    return row


def _pinned(recipe: Recipe, folder: RunFolder) -> Recipe:
    """A dtype of `auto` becomes the one that the run was started with, or this machine's faster."""
    before, compute = folder.recorded_config(), recipe.compute
    if compute.dtype == "auto" and before is not None:
        compute = compute.model_copy(update={"dtype": before["compute"]["dtype"]})
    compute = compute.pinned()
    return recipe.model_copy(update={"compute": compute})
