"""The end of a run that learns from pairs: what the model prefers, and what its answers are worth.

Pairs are those of the task's `test` and `shifted` splits, where it has them. Answers to the test
problems are judged where something can judge them: a grader that the recipe names, or the true
reward of a task that knows it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from burnish.data.feedback.kinds import FeedbackSplit, FeedbackTask
from burnish.evaluation.statistics import bootstrap_mean
from burnish.methods.dpo.method import STAGE, DpoConfig, token_pairs
from burnish.run.final_rounds import rounds_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.preference import pair_metrics
from burnish.training.preference_loss import PreferenceLoss
from burnish.training.preference_pairs import usable_pairs
from burnish.training.preference_reference import (
    ReferencedPair,
    ReferenceLogps,
    known_logps,
    reference_logps,
)
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench
from burnish.types import Json

_SPLITS: Sequence[FeedbackSplit] = ("test", "shifted")


def preference_results(
    recipe: Recipe,
    method: DpoConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """`pairs` by split, and where answers can be judged what runs in rounds report."""
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    first = [stage for stage in stages if stage.name != STAGE]
    start = at[first[0].name] / (first[0].hands_on or "") if first else None
    kept = at[STAGE] / "test" / "pairs.json"
    if not kept.exists():
        progress.note("testing what the model prefers on held-out pairs")
        found = _pair_results(method, bench, start=start, trained=at[STAGE] / method.hands_on)
        folder.write_json(str(kept.relative_to(folder.path)), found)
    pairs: dict[str, Json] = {"pairs": json.loads(kept.read_text(encoding="utf-8"))}
    if not _can_judge_answers(recipe, bench):
        return pairs
    return rounds_results(recipe, bench, folder, stages, progress=progress) | pairs


def _can_judge_answers(recipe: Recipe, bench: Workbench) -> bool:
    """Whether there are test problems, and a grader or a true reward for answers to them."""
    problems = bench.task.problems("test")
    if not problems or recipe.grader is not None:
        return bool(problems)
    task = bench.task
    assert isinstance(task, FeedbackTask)
    return task.gold(problems[0], "") is not None


def _pair_results(
    method: DpoConfig, bench: Workbench, *, start: Path | None, trained: Path
) -> dict[str, Json]:
    """By split; one without pairs is left out."""
    task = bench.task
    assert isinstance(task, FeedbackTask)
    reference, policy = bench.load_policy(start), bench.load_policy(trained)
    max_tokens = bench.compute.max_tokens_per_batch
    found: dict[str, Json] = {}
    for split in _SPLITS:
        if not task.feedback("comparisons", split).rows:
            continue
        pairs = usable_pairs(token_pairs(bench, policy, split), max_context=policy.max_context)
        before = reference_logps(reference, pairs, max_tokens=max_tokens)
        after = reference_logps(policy, pairs, max_tokens=max_tokens)
        rows = [ReferencedPair(pair, ref) for pair, ref in zip(pairs, before, strict=True)]
        found[split] = {**_preferred(method.loss, rows, after)}
    return found


def _preferred(
    loss: PreferenceLoss, rows: Sequence[ReferencedPair], after: Sequence[ReferenceLogps]
) -> dict[str, Json]:
    """Each number of the curves as a mean over pairs with its interval."""
    columns = pair_metrics(loss, known_logps(rows, after))
    return {
        name.removeprefix("preference/"): bootstrap_mean(values.tolist(), seed=0).as_json()
        for name, values in columns.items()
    }
