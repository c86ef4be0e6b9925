"""The end of a run: every stage's model on the test split, once, and paired tests between them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from burnish.methods.best_of_n_distillation.method import BestOfNDistillationConfig
from burnish.methods.constitutional.method import ConstitutionalConfig
from burnish.methods.dpo.method import DpoConfig
from burnish.methods.iterative_dpo.method import IterativeDpoConfig
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.methods.reranker.method import RerankerConfig
from burnish.methods.rest_mcts.method import RestMctsConfig
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.methods.rlaif.direct import DirectRlaifConfig
from burnish.methods.rlaif.method import RlaifConfig
from burnish.methods.rlhf.method import RlhfConfig
from burnish.run.final_constitutional import constitutional_results
from burnish.run.final_policies import policy_results
from burnish.run.final_preferences import preference_results
from burnish.run.final_process_reward import process_reward_results
from burnish.run.final_reranking import reranking_results
from burnish.run.final_rest_mcts import rest_mcts_results
from burnish.run.final_reward_model import reward_model_results
from burnish.run.final_rlaif import direct_rlaif_results, judged_results, rlaif_results
from burnish.run.final_rlhf import rlhf_results
from burnish.run.final_rounds import rounds_results
from burnish.run.final_self_correction import self_correction_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe, RoundsMethod, correction_of
from burnish.training.stage import Stage
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
    elif isinstance(recipe.method, RestMctsConfig):
        results = rest_mcts_results(recipe, recipe.method, bench, folder, stages, progress=progress)
    elif isinstance(recipe.method, RewardModelConfig):
        results = reward_model_results(recipe.method, bench, folder, stages, progress=progress)
    elif correction is not None:
        results = self_correction_results(
            recipe, correction, bench, folder, stages, progress=progress
        )
    else:
        results = _results_of_policies(recipe, bench, folder, stages, progress=progress)
    results["seconds"] = time.monotonic() - start
    return results


def _results_of_policies(
    recipe: Recipe,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """Of methods that ask once, and whose last stage trains a policy."""
    match recipe.method:
        case DpoConfig() as method:
            return preference_results(recipe, method, bench, folder, stages, progress=progress)
        case ConstitutionalConfig() as method:
            return constitutional_results(recipe, method, bench, folder, stages, progress=progress)
        case RlhfConfig() as method:
            return rlhf_results(recipe, method, bench, folder, stages, progress=progress)
        case RlaifConfig() as method:
            return rlaif_results(recipe, method, bench, folder, stages, progress=progress)
        case DirectRlaifConfig() as method:
            return direct_rlaif_results(recipe, method, bench, folder, stages, progress=progress)
        case IterativeDpoConfig() | BestOfNDistillationConfig() as method:
            return judged_results(recipe, method, bench, folder, stages, progress=progress)
        case method if isinstance(method, RoundsMethod):
            return rounds_results(recipe, bench, folder, stages, progress=progress)
        case _:
            return policy_results(recipe, bench, folder, stages, progress=progress)
