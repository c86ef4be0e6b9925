"""Loads a trained reward model to grade with. The libraries enter here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Task
from burnish.graders.reward_model_grader import RewardModelGrader
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_model import load_reward_model
from burnish.models.reward_values import RewardJudge

if TYPE_CHECKING:
    from burnish.graders.reward_model import RewardModelGraderConfig

_NO_LIMIT = 2**31


def load_reward_model_grader(
    config: RewardModelGraderConfig, folder: Path, task: Task
) -> RewardModelGrader:
    """The model in `folder`, reading the prompts of `task`.

    Raises ModelError where the folder holds no reward model, or one whose tokenizer was changed,
    and ConfigError for weights of attributes that it does not know.
    """
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if config.dtype == "bfloat16" else torch.float32
    model = load_reward_model(folder, compute_dtype=dtype, device=torch.device(device))
    judge = RewardJudge(model, max_tokens=config.max_tokens_per_batch, weights=config.weights)
    judge.require_known(config.weights or {}, owner=str(folder))
    renderer = Renderer(task, model.tokenizer, max_prompt_tokens=model.max_context or _NO_LIMIT)
    return RewardModelGrader(
        judge, AnswerReader(renderer, model), pass_threshold=config.pass_threshold
    )
