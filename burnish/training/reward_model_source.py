"""Trained reward models as a source of rewards: one, or an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from burnish.graders.reward_model_grader import RewardModelGrader
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_values import RewardJudge
from burnish.training.answer_rewards import RewardScaleConfig, RewardSource
from burnish.training.workbench import Workbench


def reward_model_source(
    name: str,
    folders: Sequence[Path],
    *,
    bench: Workbench,
    scale: RewardScaleConfig,
    weights: Mapping[str, float] | None = None,
    pessimism: float = 1.0,
) -> RewardSource:
    """A source that asks the reward models in some folders, all members of one ensemble.

    Args:
        weights: of attributes in the reward; see `weighted_reward`.
        pessimism: k, what the members' disagreement costs.

    Raises ModelError where a folder holds no reward model, and ConfigError for weights of
    attributes that it does not know.
    """
    members = tuple(_grader(folder, bench, weights) for folder in folders)
    return RewardSource(name, members, scale, pessimism)


def _grader(
    folder: Path, bench: Workbench, weights: Mapping[str, float] | None
) -> RewardModelGrader:
    model = bench.load_reward_model(folder)
    judge = RewardJudge(model, max_tokens=bench.compute.max_tokens_per_batch, weights=weights)
    judge.require_known(weights or {}, owner=str(folder))
    return RewardModelGrader(judge, AnswerReader(bench.renderer(model), model))
