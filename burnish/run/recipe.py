"""A recipe: everything a run needs to know, in one YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.data.follow_up import CorrectionConfig
from burnish.data.tasks import TaskConfig
from burnish.graders.config import GraderConfig, default_grader_config
from burnish.graders.failures import DEFAULT_MAX_SHARE
from burnish.methods.best_of_n_distillation.method import BestOfNDistillationConfig
from burnish.methods.constitutional.method import ConstitutionalConfig
from burnish.methods.dpo.method import DpoConfig, compared_answers
from burnish.methods.grpo.method import AnyGroupMethod
from burnish.methods.iterative_dpo.method import IterativeDpoConfig
from burnish.methods.pair_sft.method import PairSftConfig
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.methods.reft.method import ReftConfig
from burnish.methods.reranker.method import RerankerConfig
from burnish.methods.rest_em.method import RestEmConfig
from burnish.methods.rest_mcts.method import RestMctsConfig
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.methods.rlaif.direct import DirectRlaifConfig
from burnish.methods.rlaif.method import RlaifConfig
from burnish.methods.rlhf.method import RlhfConfig
from burnish.methods.score.method import ScoreConfig
from burnish.methods.score.single_turn import SingleTurnRlConfig
from burnish.methods.self_refine.method import SelfRefineConfig
from burnish.methods.self_rewarding.method import SelfRewardingConfig
from burnish.methods.self_training.method import SelfTrainingConfig
from burnish.methods.sft.method import SftConfig
from burnish.methods.star_correction.method import StarCorrectionConfig
from burnish.models.config import ModelConfig
from burnish.sandbox.pool import configure
from burnish.sandbox.settings import SandboxConfig
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

CorrectionMethod: TypeAlias = (
    ScoreConfig | SingleTurnRlConfig | SelfRefineConfig | StarCorrectionConfig | PairSftConfig
)
"""Methods that ask a problem again, all measured by their attempts at the test problems."""
RoundsMethod: TypeAlias = RestEmConfig | SelfRewardingConfig
"""Methods each of whose models is measured beside the base model."""
MethodConfig: TypeAlias = Annotated[
    SftConfig
    | ReftConfig
    | AnyGroupMethod
    | SelfTrainingConfig
    | RerankerConfig
    | ProcessRewardConfig
    | RestMctsConfig
    | RewardModelConfig
    | CorrectionMethod
    | RoundsMethod
    | DpoConfig
    | RlhfConfig
    | RlaifConfig
    | DirectRlaifConfig
    | IterativeDpoConfig
    | BestOfNDistillationConfig
    | ConstitutionalConfig,
    Field(discriminator="type"),
]


class EvaluationConfig(Config):
    """How the models of a run are measured."""

    num_dev: int | None = Field(default=None, ge=1)
    """Dev problems that are asked while training; default: all."""
    num_test: int | None = Field(default=None, ge=1)
    """Test problems that are asked at the end; default: all."""
    num_samples: int = Field(default=0, ge=0)
    """Samples of each test problem for voting and pass@k; 0: greedy only (for models that
    choose among samples: 16)."""
    temperature: float = Field(default=1.0, gt=0)
    """Of those samples; the paper: 1.0."""


class Recipe(Config):
    """One run."""

    description: str
    """One sentence for `burnish recipes`."""
    seed: int = Field(default=42, ge=0, lt=2**63)
    """The only source of randomness."""
    model: ModelConfig
    """What to train."""
    task: TaskConfig
    """What to train it on."""
    grader: GraderConfig | None = None
    """What pays; default: the one that fits the task."""
    max_grader_failures: float = Field(default=DEFAULT_MAX_SHARE, ge=0, le=1)
    """Share of a step's (or an evaluation's) samples that may fail to be graded before the run
    stops; they are left out and counted by kind, never paid 0."""
    method: MethodConfig
    """How."""
    lengths: LengthConfig = LengthConfig()
    """Limits in tokens."""
    compute: ComputeConfig = ComputeConfig()
    """Device and batches."""
    sandbox: SandboxConfig = SandboxConfig()
    """How programs that the model wrote are contained."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """Dev and test."""
    checkpoint_every: int = Field(default=50, ge=1)
    """Steps between checkpoints; a stage's end is always one."""

    def workbench(self) -> Workbench:
        """What the method's stages are given; from now on this process uses `self.sandbox`."""
        configure(self.sandbox)
        grader = self.grader or default_grader_config(self.task.answer_kind)
        return Workbench(
            model=self.model,
            task=self.task,
            grader=grader.build(),
            lengths=self.lengths,
            compute=self.compute,
            seed=self.seed,
            max_grader_failures=self.max_grader_failures,
            num_dev=self.evaluation.num_dev,
            method_texts=self._texts_of_method(),
        )

    def _texts_of_method(self) -> tuple[str, ...]:
        """What the method says to the model itself."""
        if isinstance(self.method, DpoConfig):
            return compared_answers(self.task) if self.model.trim_vocabulary else ()
        correction = correction_of(self.method)
        return () if correction is None else (correction.instruction_for(self.task),)


def correction_of(method: MethodConfig) -> CorrectionConfig | None:
    """How the method asks a problem again; None for one that asks once."""
    return method.correction if isinstance(method, CorrectionMethod) else None


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe; raises ConfigError with file, key and the nearest valid name."""
    return Recipe.from_file(path, overrides)
