"""The end of a run that a judge has guided: answers, reward models, and what judging cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from burnish.data.feedback.kinds import FeedbackTask
from burnish.graders.grader import Grader
from burnish.methods.best_of_n_distillation.method import BestOfNDistillationConfig
from burnish.methods.iterative_dpo.method import IterativeDpoConfig
from burnish.methods.rlaif.direct import DIRECT, TOKENS_METRIC, DirectRlaifConfig
from burnish.methods.rlaif.method import REWARD_MODEL, RLAIF, RlaifConfig
from burnish.run.final_answers import answer_results
from burnish.run.final_reward_model import reward_model_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.answer_rewards import WeightedRewards, read_units
from burnish.training.answer_rl import UNITS_FILE
from burnish.training.reward_training import RewardTrainingConfig
from burnish.training.stage import Stage, StageRun
from burnish.training.workbench import Workbench
from burnish.types import Json


def rlaif_results(
    recipe: Recipe,
    method: RlaifConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """What `answer_results` reports, `judging` (what the labels are worth and cost), and where the
    task has comparisons by people the reward model's numbers on them."""
    at, run = _places(recipe, folder, stages, RLAIF)

    def payer() -> Grader:
        return WeightedRewards(method.sources(run, bench=bench), read_units(at[RLAIF] / UNITS_FILE))

    found = answer_results(
        recipe, bench, folder, stages, reference=method.start, payer=payer, progress=progress
    )
    found["judging"] = _judging(stages, at)
    if isinstance(bench.task, FeedbackTask) and bench.task.feedback("comparisons", "test").rows:
        fitted = RewardTrainingConfig(feedback=method.reward_model.feedback)
        found |= reward_model_results(
            fitted, bench, folder, stages, progress=progress, name=REWARD_MODEL
        )
    return found


def direct_rlaif_results(
    recipe: Recipe,
    method: DirectRlaifConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """What `answer_results` reports, with `judging`: the tokens that the judge has read in RL."""
    at, run = _places(recipe, folder, stages, DIRECT)

    def payer() -> Grader:
        sources = [method.source(method.payer(run, bench=bench))]
        return WeightedRewards(sources, read_units(at[DIRECT] / UNITS_FILE))

    found = answer_results(
        recipe, bench, folder, stages, reference=method.start, payer=payer, progress=progress
    )
    found["judging"] = {DIRECT: {"judge_tokens": _paid_tokens(folder.path, DIRECT)}}
    return found


def judged_results(
    recipe: Recipe,
    method: IterativeDpoConfig | BestOfNDistillationConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """What `answer_results` reports of every round, and `judging`."""
    at, _ = _places(recipe, folder, stages, stages[-1].name)
    found = answer_results(
        recipe, bench, folder, stages, reference=method.start, payer=_nobody, progress=progress
    )
    found["judging"] = _judging(stages, at)
    return found


def _nobody() -> None:
    """Pays."""


def _places(
    recipe: Recipe, folder: RunFolder, stages: Sequence[Stage], name: str
) -> tuple[dict[str, Path], StageRun]:
    """The folder of each stage, and one of them as it was run."""
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    artifacts = {stage.name: at[stage.name] / (stage.hands_on or "") for stage in stages}
    return at, StageRun(name, at[name], seed=recipe.seed, artifacts=artifacts)


def _judging(stages: Sequence[Stage], at: Mapping[str, Path]) -> dict[str, Json]:
    """What the stages that judged have counted."""
    found: dict[str, Json] = {}
    for stage in stages:
        path = at[stage.name] / "counts.json"
        if stage.hands_on is None and path.exists():
            found[stage.name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _paid_tokens(run: Path, stage: str) -> float:
    """What the judge has read and written in all steps of a stage."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["stage"] == stage]
    return sum(row.get(TOKENS_METRIC, 0.0) for row in rows)
