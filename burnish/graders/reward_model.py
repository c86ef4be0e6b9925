"""A trained reward model pays: whoever likes its numbers can sample, evaluate and train with them.

It reads the prompts of the task that it was trained on, which the run of its folder tells; so the
recipe that asks it may write its own prompts otherwise. The reward is what the model says, in its
own units.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.config import Config, load_tree
from burnish.data.tasks import AnyTask, TaskConfig
from burnish.errors import ConfigError
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader

_RUN_CONFIG = "config.yaml"


class RewardModelGraderConfig(Config):
    """Ask a trained reward model."""

    type: Literal["reward_model"] = "reward_model"
    """the grader"""
    model: Path
    """folder of the reward model, such as RUN/stages/01-reward_model/selected, or its run, where
    that has trained one alone"""
    task: TaskConfig | None = None
    """whose prompts it reads; null: those of the run that its folder belongs to"""
    weights: Mapping[str, float] | None = None
    """of its attributes in the reward, where it has several; null: 1 for each"""
    pass_threshold: float | None = Field(default=None, allow_inf_nan=False)
    """reward from which an answer counts as correct; null: none does"""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a CUDA device where there is one"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """type of matrix products"""
    max_tokens_per_batch: int = Field(default=8192, ge=1)
    """tokens read at a time; changes nothing but memory and speed"""

    def build(self) -> Grader:
        """The grader, which never raises. Raises ModelError and ConfigError for a bad folder."""
        from burnish.graders.reward_model_loading import load_reward_model_grader  # needs torch

        folder = self.folder()
        return Guarded(load_reward_model_grader(self, folder, self.task or _task_of_run(folder)))

    def folder(self) -> Path:
        """Of the model itself. Raises ConfigError where a run has trained several."""
        models = sorted(self.model.glob("stages/*/selected/reward_model.json"))
        if (self.model / "reward_model.json").exists() or not models:
            return self.model
        if len(models) > 1:
            raise ConfigError(
                f"grader.model {self.model}: the run has trained {len(models)} reward models; name"
                f" the folder of one of them, such as {models[0].parent}"
            )
        return models[0].parent


class _Run(Config):
    """What is read of a run's config."""

    task: TaskConfig


def _task_of_run(folder: Path) -> AnyTask:
    """The task of the run that a folder belongs to. Raises ConfigError."""
    found = next(
        (up / _RUN_CONFIG for up in folder.resolve().parents if (up / _RUN_CONFIG).is_file()), None
    )
    if found is None:
        raise ConfigError(
            f"grader.model {folder}: it lies in no run folder (none above it has {_RUN_CONFIG}), so"
            " it is not known how it was asked. Name the task whose prompts it reads as"
            " `grader.task`, such as {type: replies}."
        )
    tree = load_tree(found)
    if "task" not in tree:
        raise ConfigError(f"{found}: there is no task in it; name one as `grader.task`")
    return _Run.from_tree({"task": tree["task"]}, source=str(found)).task
