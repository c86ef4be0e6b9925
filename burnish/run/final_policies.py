"""The end of most runs: every stage's policy on the test split, and paired tests between them."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.evaluation.evaluate import Evaluation
from burnish.run.final_rounds import last_against_each, stage_results
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench
from burnish.types import Json


def policy_results(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """Greedy, vote@k and pass@k of the policy of every stage that trains one; paired tests.

    The last is compared with each other one. Stages that train none are passed over.
    """
    test = HeldOut(recipe, bench, folder, num_samples=recipe.evaluation.num_samples)
    results: dict[str, Json] = {}
    greedy: dict[str, Evaluation] = {}
    for index, stage in enumerate(stages, start=1):
        if stage.hands_on is None or stage.trains != "policy":
            continue
        progress.note(f"testing {stage.name} on {len(test.problems)} problems")
        at = folder.stage(index, stage.name)
        greedy[stage.name] = test.evaluation(at / stage.hands_on, at, stage.hands_on, "greedy")
        results[stage.name] = stage_results(test, at, stage.hands_on, greedy[stage.name])
    paired = results["paired"] = last_against_each(greedy)
    if paired:
        against = paired.get(f"{[*greedy][-1]} - sft") or next(iter(paired.values()))
        assert isinstance(against, dict)
        results["paired_p"] = against["p"]
    results["test_size"] = len(test.problems)
    test.show(greedy)
    return results
