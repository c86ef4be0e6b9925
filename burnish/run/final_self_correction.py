"""The end of a run that asks again: each stage's attempts at the test problems, and the base's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from burnish.data.follow_up import CorrectionConfig
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.metrics import compare, greedy_metrics
from burnish.evaluation.self_correction import collapse_report, self_correction_metrics
from burnish.run.alarms import remedies_of
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.revisions import read_counts
from burnish.training.stage import ModelChoice, Stage
from burnish.training.workbench import Workbench
from burnish.types import Json

_STEP_OF: dict[ModelChoice, str] = {
    "last": "steps",
    "selected": "selected_step",
    "rewarded": "rewarded_step",
}


def self_correction_results(
    recipe: Recipe,
    correction: CorrectionConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """`base` and every stage with a model: `greedy` (of the last attempt) and the metrics.

    Beside a stage's own model stand the others it could have handed on; `sampled` has the counts of
    stages that have only sampled. `paired` compares last attempts of the last model with every
    other one's; `alarms` says what has collapsed.
    """
    test = HeldOut(recipe, bench, folder, num_samples=0)
    progress.note(f"testing the base model on {len(test.problems)} problems")
    first = folder.stage(1, stages[0].name)
    turns = {"base": test.attempts(None, first, "base", correction)}
    results: dict[str, Json] = {"base": _numbers(turns["base"])}
    counts: dict[str, Json] = {}
    for index, stage in enumerate(stages, start=1):
        at = folder.stage(index, stage.name)
        if stage.hands_on is None:
            found = read_counts(at)
            counts |= {} if found is None else {stage.name: {**found}}
            continue
        progress.note(f"testing {stage.name} on {len(test.problems)} problems")
        turns[stage.name] = test.attempts(at / stage.hands_on, at, stage.hands_on, correction)
        results[stage.name] = _stage_results(
            test, correction, at, stage.hands_on, turns[stage.name]
        )
    test.show_attempts(turns)
    return {
        **results,
        **({"sampled": counts} if counts else {}),
        **_paired(turns),
        "alarms": [*_alarms(recipe, turns, progress)],
        "test_size": len(test.problems),
    }


def _paired(turns: Mapping[str, Sequence[Evaluation]]) -> dict[str, Json]:
    """Last attempts of the last model against every other one's; nothing where there is no other.

    `paired_p` is that of the comparison with the base model.
    """
    last = [*turns][-1]
    paired = {
        f"{last} - {name}": compare(turns[last][-1], evaluations[-1])
        for name, evaluations in turns.items()
        if name != last
    }
    if not paired:
        return {"paired": {}}
    return {"paired": {**paired}, "paired_p": paired[f"{last} - base"]["p"]}


def _alarms(
    recipe: Recipe, turns: Mapping[str, Sequence[Evaluation]], progress: Progress
) -> list[str]:
    """What has collapsed in the last model; said at once, too."""
    last = [*turns][-1]
    report = collapse_report(turns[last], turns["base"])
    alarms = report.sentences(remedies_of(recipe.method))
    for sentence in alarms:
        progress.warn(f"{last}: {sentence}")
    return alarms


def _stage_results(
    test: HeldOut,
    correction: CorrectionConfig,
    at: Path,
    chosen: ModelChoice,
    turns: Sequence[Evaluation],
) -> dict[str, Json]:
    """The stage's numbers, and under the name of each other choice it has, that model's."""
    summary = json.loads((at / "stage.json").read_text(encoding="utf-8"))
    steps: dict[ModelChoice, int] = {
        choice: summary[key] for choice, key in _STEP_OF.items() if key in summary
    }
    found: dict[str, Json] = {"model": chosen, **_numbers(turns)}
    found |= {_STEP_OF[choice]: step for choice, step in steps.items()}
    for choice, step in steps.items():
        if choice == chosen:
            continue
        is_same = step == steps[chosen]
        other = turns if is_same else test.attempts(at / choice, at, choice, correction)
        found[choice] = _numbers(other)
    return found


def _numbers(turns: Sequence[Evaluation]) -> dict[str, Json]:
    return {**greedy_metrics(turns[-1]), **self_correction_metrics(turns)}
