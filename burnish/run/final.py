"""The end of a run: every stage's model on the test split, once, and paired tests between them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.metrics import compare, greedy_metrics, sampled_metrics
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.methods.reranker.method import RerankerConfig
from burnish.run.final_process_reward import process_reward_results
from burnish.run.final_reranking import reranking_results
from burnish.run.final_self_correction import self_correction_results
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe, correction_of
from burnish.training.stage import ModelChoice, Stage
from burnish.training.workbench import Workbench
from burnish.types import Json


def final_results(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """What `results.json` holds, `seconds` being those of the final evaluation alone.

    Each evaluation is kept beside its model, so that a stopped run does not repeat it.
    """
    start = time.monotonic()
    correction = correction_of(recipe.method)
    if isinstance(recipe.method, RerankerConfig):
        results = reranking_results(recipe, recipe.method, bench, folder, progress=progress)
    elif isinstance(recipe.method, ProcessRewardConfig):
        results = process_reward_results(
            recipe, recipe.method, bench, folder, stages, progress=progress
        )
    elif correction is not None:
        results = self_correction_results(
            recipe, correction, bench, folder, stages, progress=progress
        )
    else:
        results = _policy_results(recipe, bench, folder, stages, progress=progress)
    results["seconds"] = time.monotonic() - start
    return results


def _policy_results(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """Greedy, vote@k and pass@k of every stage; paired tests of the last with each other one."""
    test = HeldOut(recipe, bench, folder, num_samples=recipe.evaluation.num_samples)
    results: dict[str, Json] = {}
    greedy: dict[str, Evaluation] = {}
    for index, stage in enumerate(stages, start=1):
        progress.note(f"testing {stage.name} on {len(test.problems)} problems")
        assert stage.hands_on is not None
        at = folder.stage(index, stage.name)
        greedy[stage.name] = test.evaluation(at / stage.hands_on, at, stage.hands_on, "greedy")
        results[stage.name] = _stage_results(test, at, stage.hands_on, greedy[stage.name])
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
    test.show(greedy)
    return results


def _stage_results(
    test: HeldOut, at: Path, chosen: ModelChoice, greedy: Evaluation
) -> dict[str, Json]:
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
