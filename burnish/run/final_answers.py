"""The end of a run that is paid for whole answers: what every policy's answers are worth.

Of every stage that trains a policy, on the test problems: gold and proxy reward, KL from the
reference, length, and how many answers did not end, each with its interval; and the curve of these
over the training, from the dev problems. Where a grader can judge answers, greedy ones are reported
as in other runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from burnish.data.feedback.kinds import true_reward
from burnish.evaluation.answer_measure import answer_intervals, measured_answers
from burnish.evaluation.reward_curve import read_curve
from burnish.graders.grader import Grader
from burnish.run.final_rounds import rounds_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.seeds import derived_seed
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench
from burnish.types import Json


def answer_results(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    reference: str | None,
    payer: Callable[[], Grader | None],
    progress: Progress,
) -> dict[str, Json]:
    """For every policy its `answers`, for those that were paid the `curve`.

    Args:
        reference: the stage whose model the KL is taken from; None is the recipe's.
        payer: makes what gives the proxy reward, if anything does; asked only where something is to
            be measured.
    """
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    policies = {
        stage.name: at[stage.name] / stage.hands_on
        for stage in stages
        if stage.trains == "policy" and stage.hands_on is not None
    }
    start = None if reference is None else policies[reference]
    results: dict[str, Json] = {}
    if can_judge_answers(recipe, bench):
        results = rounds_results(recipe, bench, folder, stages, progress=progress)
    problems = bench.problems("test")[: recipe.evaluation.num_test]
    paying: list[Grader | None] = []
    for name, model in policies.items():
        kept = at[name] / "test" / "answers.json"
        if not kept.exists():
            progress.note(f"measuring the answers of {name} to {len(problems)} problems")
            paying = paying or [payer()]
            columns = measured_answers(
                bench,
                bench.load_policy(model),
                bench.load_policy(start),
                problems,
                payer=paying[0],
                num_samples=max(1, recipe.evaluation.num_samples),
                seed=derived_seed(recipe.seed, "test answers"),
            )
            folder.write_json(str(kept.relative_to(folder.path)), answer_intervals(columns))
        found: dict[str, Json] = {"answers": json.loads(kept.read_text(encoding="utf-8"))}
        curve = read_curve(folder.path, at[name])
        if curve:
            found["curve"] = [point.as_json() for point in curve]
        results[name] = _joined(results.get(name), found)
    results["test_size"] = len(problems)
    return results


def can_judge_answers(recipe: Recipe, bench: Workbench) -> bool:
    """Whether there are test problems, and a grader or a true reward for answers to them."""
    problems = bench.task.problems("test")
    if not problems or recipe.grader is not None or bench.task.answer_kind != "open":
        return bool(problems)
    return true_reward(bench.task, problems[0], "") is not None


def _joined(before: Json, found: Mapping[str, Json]) -> dict[str, Json]:
    return {**(before if isinstance(before, dict) else {}), **found}
