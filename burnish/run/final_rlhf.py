"""The end of an RLHF run: its reward models on held-out feedback, and its policies' answers."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.graders.grader import Grader
from burnish.methods.rlhf.method import RLHF, RlhfConfig
from burnish.run.final_answers import answer_results
from burnish.run.final_reward_model import reward_model_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.answer_rewards import WeightedRewards, read_units
from burnish.training.answer_rl import UNITS_FILE
from burnish.training.stage import Stage, StageRun
from burnish.training.workbench import Workbench
from burnish.types import Json


def rlhf_results(
    recipe: Recipe,
    method: RlhfConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """What `answer_results` reports, and each reward model on held-out feedback."""
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    artifacts = {stage.name: at[stage.name] / (stage.hands_on or "") for stage in stages}

    def payer() -> Grader:
        run = StageRun(RLHF, at[RLHF], seed=recipe.seed, artifacts=artifacts)
        return WeightedRewards(method.sources(run, bench=bench), read_units(at[RLHF] / UNITS_FILE))

    models: dict[str, Json] = {}
    for name, config in method.reward_models.items():
        if not config.models:
            models |= reward_model_results(
                config, bench, folder, stages, progress=progress, name=name
            )
    found = answer_results(
        recipe, bench, folder, stages, reference=method.start, payer=payer, progress=progress
    )
    return {**found, **models}
