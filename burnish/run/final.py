"""The end of a run: every stage's model on the test split, once, and paired tests between them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from burnish.evaluation.evaluate import Evaluation, evaluate
from burnish.evaluation.metrics import compare, greedy_metrics, sampled_metrics
from burnish.evaluation.record import evaluation_from_rows, evaluation_rows
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.seeds import derived_seed
from burnish.training.stage import ModelChoice, Stage
from burnish.training.workbench import Workbench
from burnish.types import Json, Problem, Score

_SAMPLES_SHOWN = 40


def final_results(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """Greedy, vote@k and pass@k of every stage, and a paired test of the last against each other.

    Each evaluation is kept beside its model, so that a stopped run does not repeat it.
    """
    start = time.monotonic()
    test = _TestSplit(recipe, bench, folder)
    results: dict[str, Json] = {}
    greedy: dict[str, Evaluation] = {}
    for index, stage in enumerate(stages, start=1):
        progress.note(f"testing {stage.name} on {len(test.problems)} problems")
        at = folder.stage(index, stage.name)
        assert stage.hands_on is not None
        greedy[stage.name] = test.evaluation(at, stage.hands_on, "greedy")
        results[stage.name] = _stage_results(test, at, stage, greedy[stage.name])
    last = stages[-1].name
    paired: dict[str, Json] = {
        f"{last} - {name}": compare(greedy[last], evaluation)
        for name, evaluation in greedy.items()
        if name != last
    }
    results["paired"] = paired
    if paired:
        against = paired.get(f"{last} - sft") or next(iter(paired.values()))
        assert isinstance(against, dict)
        results["paired_p"] = against["p"]
    results["test_size"] = len(test.problems)
    results["seconds"] = time.monotonic() - start
    folder.keep("samples.jsonl", lambda row: row["split"] != "test")
    for name, evaluation in greedy.items():
        folder.append("samples.jsonl", _samples(name, evaluation, bench))
    return results


def _stage_results(test: _TestSplit, at: Path, stage: Stage, greedy: Evaluation) -> dict[str, Json]:
    found: dict[str, Json] = {"model": stage.hands_on, **greedy_metrics(greedy)}
    summary = json.loads((at / "stage.json").read_text(encoding="utf-8"))
    found |= {"steps": summary["steps"], "selected_step": summary["selected_step"]}
    k = test.num_samples
    if k:
        found |= sampled_metrics(test.evaluation(at, stage.hands_on, "sampled"), [k])
        found |= {"greedy": greedy_metrics(greedy)["greedy"]}
    other: ModelChoice = "last" if stage.hands_on == "selected" else "selected"
    if summary["selected_step"] in (None, summary["steps"]):
        found[other] = {"greedy": found["greedy"]}
    else:
        found[other] = {"greedy": greedy_metrics(test.evaluation(at, other, "greedy"))["greedy"]}
    return found


class _TestSplit:
    """The test problems, and evaluations of saved models on them."""

    def __init__(self, recipe: Recipe, bench: Workbench, folder: RunFolder) -> None:
        self.problems: Sequence[Problem] = bench.problems("test")[: recipe.evaluation.num_test]
        self.num_samples = recipe.evaluation.num_samples
        self._temperature = recipe.evaluation.temperature
        self._bench = bench
        self._folder = folder
        self._seed = derived_seed(recipe.seed, "test")

    def evaluation(self, at: Path, model: ModelChoice, kind: str) -> Evaluation:
        """Greedy or sampled, read back where it was made before."""
        path = at / "test" / f"{model}-{kind}.json"
        if path.exists():
            rows = json.loads(path.read_text(encoding="utf-8"))
            return evaluation_from_rows(rows, self.problems)
        policy = self._bench.load_policy(at / model)
        renderer = self._bench.renderer(policy)
        evaluation = evaluate(
            self._bench.engine(policy),
            self._bench.grader,
            [(problem, renderer.prompt_ids(problem)) for problem in self.problems],
            self._bench.sampling(temperature=0.0 if kind == "greedy" else self._temperature),
            num_samples=1 if kind == "greedy" else self.num_samples,
            seed=self._seed,
        )
        relative = str(path.relative_to(self._folder.path))
        self._folder.write_json(relative, [*evaluation_rows(evaluation)])
        return evaluation


def _samples(stage: str, evaluation: Evaluation, bench: Workbench) -> list[dict[str, Json]]:
    """The first test problems with their greedy completions, for the report."""
    rows: list[dict[str, Json]] = []
    for row in evaluation.rows[:_SAMPLES_SHOWN]:
        verdict, completion = row.verdicts[0], row.completions[0]
        score = verdict if isinstance(verdict, Score) else Score(0.0, False, None)
        rows.append(
            {
                "stage": stage,
                "step": 0,
                "split": "test",
                "problem_id": row.problem.id,
                "prompt": bench.task.prompt(row.problem),
                "text": completion.text,
                "answer": score.answer,
                "gold": row.problem.answer,
                "reward": score.reward,
                "is_correct": score.is_correct,
                "stop_reason": completion.stop_reason.value,
                "sample": 0,
            }
        )
    return rows
