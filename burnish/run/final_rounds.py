"""The end of a run whose rounds are measured beside the base model, on the test split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.metrics import compare, greedy_metrics, mean_interval, sampled_metrics
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.stage import ModelChoice, Stage
from burnish.training.workbench import Workbench
from burnish.types import Json


def rounds_results(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """`base`, the recipe's own model, and every stage that trained one, as in other runs, with the
    mean `reward` of greedy answers beside the accuracy.

    `sampled` has what stages without a model have counted (`counts.json`); `paired` compares the
    last model with every other one, `paired_p` being that of the comparison with `base`.
    """
    test = HeldOut(recipe, bench, folder, num_samples=recipe.evaluation.num_samples)
    progress.note(f"testing the base model on {len(test.problems)} problems")
    first = folder.stage(1, stages[0].name)
    greedy = {"base": test.evaluation(None, first, "base", "greedy")}
    results: dict[str, Json] = {"base": _base_results(test, first, greedy["base"])}
    counts: dict[str, Json] = {}
    for index, stage in enumerate(stages, start=1):
        at = folder.stage(index, stage.name)
        if stage.hands_on is None:
            counts |= _counts(stage.name, at)
        if stage.hands_on is None or stage.trains != "policy":
            continue
        progress.note(f"testing {stage.name} on {len(test.problems)} problems")
        greedy[stage.name] = test.evaluation(at / stage.hands_on, at, stage.hands_on, "greedy")
        found = stage_results(test, at, stage.hands_on, greedy[stage.name])
        results[stage.name] = found | _reward(greedy[stage.name])
    paired = last_against_each(greedy)
    against = next(iter(paired.values()))  # with `base`, which stands first
    assert isinstance(against, dict)
    test.show(greedy)
    return {
        **results,
        **({"sampled": counts} if counts else {}),
        "paired": paired,
        "paired_p": against["p"],
        "test_size": len(test.problems),
    }


def last_against_each(greedy: Mapping[str, Evaluation]) -> dict[str, Json]:
    """Paired tests of the last model with every other one, in their order."""
    *others, last = greedy
    return {f"{last} - {name}": compare(greedy[last], greedy[name]) for name in others}


def stage_results(
    test: HeldOut, at: Path, chosen: ModelChoice, greedy: Evaluation
) -> dict[str, Json]:
    """The numbers of the model that a stage in the folder `at` hands on, and of its other choice.

    Args:
        greedy: of the chosen model.
    """
    found: dict[str, Json] = {"model": chosen, **greedy_metrics(greedy)}
    summary = json.loads((at / "stage.json").read_text(encoding="utf-8"))
    found |= {"steps": summary["steps"], "selected_step": summary["selected_step"]}
    if test.num_samples:
        sampled = test.evaluation(at / chosen, at, chosen, "sampled")
        found |= sampled_metrics(sampled, [test.num_samples])
    other: ModelChoice = "last" if chosen == "selected" else "selected"
    if summary["selected_step"] in (None, summary["steps"]):
        found[other] = {"greedy": found["greedy"]}
    else:
        found[other] = {
            "greedy": greedy_metrics(test.evaluation(at / other, at, other, "greedy"))["greedy"]
        }
    return found


def _base_results(test: HeldOut, at: Path, greedy: Evaluation) -> dict[str, Json]:
    found: dict[str, Json] = {**greedy_metrics(greedy)} | _reward(greedy)
    if test.num_samples:
        sampled = test.evaluation(None, at, "base", "sampled")
        found |= sampled_metrics(sampled, [test.num_samples])
    return found


def _counts(name: str, at: Path) -> dict[str, Json]:
    path = at / "counts.json"
    return {name: json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}


def _reward(greedy: Evaluation) -> dict[str, Json]:
    """What the grader pays for an answer, on average."""
    return {"reward": mean_interval(greedy, _reward_of).as_json()}


def _reward_of(row: EvaluatedProblem) -> float | None:
    return fmean(score.reward for score in row.scores) if row.scores else None
