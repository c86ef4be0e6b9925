"""What every method is given: the task, the models and the engine that one recipe names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from burnish.config import Config
from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Split, Task
from burnish.errors import ConfigError, DataError
from burnish.graders.failures import DEFAULT_MAX_SHARE
from burnish.graders.grader import Grader
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.models.outcome_verifier import OutcomeVerifier, load_verifier, start_verifier
from burnish.models.policy import Policy
from burnish.models.precision import faster_dtype
from burnish.models.process_reward_model import (
    HEAD_FILE,
    HeadKind,
    ProcessRewardModel,
    load_process_reward,
    start_process_reward,
)
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import (
    HeadStart,
    RewardModel,
    load_reward_model,
    start_reward_model,
    with_gate,
)
from burnish.rollout.engine import Engine, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.training.seeds import derived_seed
from burnish.types import Problem


class ComputeConfig(Config):
    """Where and how numbers are computed; results agree within rounding."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a CUDA device where there is one."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of matrix products; master weights keep `model.dtype`. auto: the one in which this
    machine multiplies faster, measured at the start; the run's config.yaml says which."""
    max_tokens_per_batch: int = Field(default=8192, ge=1)
    """Tokens of a micro-batch, padding included; changes memory and speed, never the result."""
    max_concurrent: int = Field(default=128, ge=1)
    """Sequences that are sampled at the same time."""
    prefix_cache_mb: int = Field(default=512, ge=0)
    """Memory in MiB in which a search keeps what policy and value model have read of its trees, as
    much for each, so that no path is read twice; changes speed, never the trees. 0: none. CPU
    only."""

    @property
    def prefix_bytes(self) -> int:
        """`prefix_cache_mb` in bytes."""
        return self.prefix_cache_mb * 2**20

    @property
    def torch_device(self) -> torch.device:
        """Where models go."""
        if self.device != "auto":
            return torch.device(self.device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def pinned(self) -> ComputeConfig:
        """The same with a dtype that is decided."""
        if self.dtype != "auto":
            return self
        is_half = faster_dtype(self.torch_device) is torch.bfloat16
        return self.model_copy(update={"dtype": "bfloat16" if is_half else "float32"})


class LengthConfig(Config):
    """Limits in tokens."""

    max_prompt_tokens: int = Field(default=300, ge=1)
    """A longer prompt is an error."""
    max_new_tokens: int = Field(default=400, ge=1)
    """A completion that reaches it is truncated."""


@dataclass(frozen=True)
class Workbench:
    """Builds models and engines for the stages of a run. `seed` is the run's one seed.

    `max_grader_failures` is the share of a batch that may fail to be graded, `num_dev` the number
    of dev problems that are asked while training (None: all), `method_texts` what the method itself
    puts between prompts and completions.
    """

    model: ModelConfig
    task: Task
    grader: Grader
    lengths: LengthConfig
    compute: ComputeConfig
    seed: int
    max_grader_failures: float = DEFAULT_MAX_SHARE
    num_dev: int | None = None
    method_texts: tuple[str, ...] = ()

    def problems(self, split: Split) -> list[Problem]:
        """The problems of a split; raises DataError where there are none."""
        problems = self.task.problems(split)
        if not problems:
            raise DataError(f"the task has no {split} problems; check its files and sizes")
        return problems

    def dev_problems(self) -> list[Problem]:
        """The dev problems that a model is selected by; raises DataError where there are none."""
        return self.problems("dev")[: self.num_dev]

    def load_policy(self, folder: Path | None = None) -> Policy:
        """The policy saved in `folder`, or the model that the recipe names."""
        config = self._model_in(folder)
        texts = self._texts if config.trim_vocabulary else ()
        seed = derived_seed(self.seed, "adapter")
        loaded = load(config, texts=texts, seed=seed, device=self._device)
        if loaded.network.device.type != self._device.type:
            nn.Module.to(loaded.network, self._device)
        policy = Policy(loaded, compute_dtype=self._dtype)
        policy.check()
        return policy

    def frozen_twin(self, policy: Policy, folder: Path | None = None) -> Policy:
        """What `policy`, just loaded from `folder`, is now: a reference that stays as it is.

        It shares the policy's weights where only an adapter is trained; else they are loaded again.
        """
        return policy.frozen_view() or self.load_policy(folder)

    def trained_twin(self, policy: Policy, folder: Path | None = None) -> Policy:
        """A second model in training that starts as `policy`, just loaded from `folder`.

        What stays frozen is shared, as above.
        """
        return policy.trained_view() or self.load_policy(folder)

    def start_verifier(self, folder: Path | None = None) -> OutcomeVerifier:
        """A verifier with the backbone of the policy in `folder`, or of the recipe's model.

        It keeps its whole vocabulary: it has no softmax over it that trimming could save. Where the
        policy has an adapter, that is merged, and the verifier trains one of its own. Raises
        ConfigError where the recipe wants quantised weights, which is not done for verifiers.
        """
        if self.model.quantize is not None:
            raise ConfigError(
                f"model.quantize: {self.model.quantize} is for policies only; a reranker is not "
                "trained on quantised weights. Leave it out; model.lora alone works."
            )
        plain = {"trim_vocabulary": False, "lora": None}
        start = load(self._model_in(folder).model_copy(update=plain))
        verifier = start_verifier(start, compute_dtype=self._dtype, lora=self.model.lora)
        nn.Module.to(verifier.network, self._device)
        return verifier

    def load_verifier(self, folder: Path) -> OutcomeVerifier:
        """The verifier that was trained and saved in `folder`."""
        verifier = load_verifier(folder, compute_dtype=self._dtype)
        nn.Module.to(verifier.network, self._device)
        return verifier

    def start_process_reward(self, folder: Path | None, *, head: HeadKind) -> ProcessRewardModel:
        """A value model to train: with the backbone of the policy in `folder` or of the recipe's
        model, or going on from the value model in `folder`.

        As for verifiers, the vocabulary is whole, and an adapter is one of its own. Raises
        ConfigError for quantised weights, and where the value model in `folder` has another head.
        """
        if self.model.quantize is not None:
            raise ConfigError(
                f"model.quantize: {self.model.quantize} is for policies only; a value model is not "
                "trained on quantised weights. Leave it out; model.lora alone works."
            )
        if folder is not None and (folder / HEAD_FILE).is_file():
            model = load_process_reward(
                folder, compute_dtype=self._dtype, lora=self.model.lora, device=self._device
            )
            if model.kind != head:
                raise ConfigError(
                    f"the value model in {folder} has the head {model.kind!r}, but the recipe asks "
                    f"for {head!r}. Set head: {model.kind}, or start from a language model."
                )
            return model
        plain = {"trim_vocabulary": False, "lora": None}
        start = load(self._model_in(folder).model_copy(update=plain))
        nn.Module.to(start.network, self._device)
        return start_process_reward(
            start, head=head, compute_dtype=self._dtype, lora=self.model.lora
        )

    def load_process_reward(self, folder: Path) -> ProcessRewardModel:
        """The value model that was trained and saved in `folder`."""
        return load_process_reward(folder, compute_dtype=self._dtype, device=self._device)

    def start_reward_model(
        self, folder: Path | None, head: RewardHead, *, head_start: HeadStart
    ) -> RewardModel:
        """A reward model to train, with the backbone of the policy in `folder` or of the recipe's.

        As for verifiers, the vocabulary is whole, and an adapter is one of its own. Raises
        ConfigError for quantised weights.
        """
        if self.model.quantize is not None:
            raise ConfigError(
                f"model.quantize: {self.model.quantize} is for policies only; a reward model is not"
                " trained on quantised weights. Leave it out; model.lora alone works."
            )
        plain = {"trim_vocabulary": False, "lora": None}
        start = load(self._model_in(folder).model_copy(update=plain))
        model = start_reward_model(
            start, head, compute_dtype=self._dtype, head_start=head_start, lora=self.model.lora
        )
        nn.Module.to(model.network, self._device)
        return model

    def load_reward_model(self, folder: Path) -> RewardModel:
        """The reward model that was trained and saved in `folder`."""
        return load_reward_model(folder, compute_dtype=self._dtype, device=self._device)

    def start_reward_gate(self, folder: Path, *, hidden: int) -> RewardModel:
        """The attributes of the reward model in `folder`, mixed by a gate that is to be trained."""
        return with_gate(self.load_reward_model(folder), hidden=hidden, compute_dtype=self._dtype)

    def engine(self, policy: Policy) -> Engine:
        """An engine that samples from a copy of the policy in the compute dtype."""
        return LocalEngine(
            policy.sampling_network(),
            policy.tokenizer,
            max_concurrent=self.compute.max_concurrent,
            dtype=self._dtype,
        )

    def remembering_engine(self, policy: Policy) -> Engine:
        """The same for prompts that will begin with what it has read and sampled before."""
        engine = self.engine(policy)
        if isinstance(engine, LocalEngine):
            engine.remember(self.compute.prefix_bytes)
        return engine

    def renderer(
        self, model: Policy | OutcomeVerifier | ProcessRewardModel | RewardModel
    ) -> Renderer:
        """From problems to tokens of this model."""
        return Renderer(
            self.task, model.tokenizer, max_prompt_tokens=self.lengths.max_prompt_tokens
        )

    def sampling(self, *, temperature: float) -> SamplingParams:
        """The whole distribution at a temperature, up to the token limit."""
        return SamplingParams(max_tokens=self.lengths.max_new_tokens, temperature=temperature)

    def _model_in(self, folder: Path | None) -> ModelConfig:
        """The recipe's model, or the one in `folder` with the same settings."""
        if folder is None:
            return self.model
        return self.model.model_copy(update={"name": str(folder)})

    @cached_property
    def _texts(self) -> Sequence[str]:
        """Everything whose tokens must survive a trimmed vocabulary: above all prompts, targets."""
        splits: tuple[Split, ...] = ("train", "dev", "test")
        problems = chain.from_iterable(self.task.problems(split) for split in splits)
        of_problems = [text for problem in problems for text in self._texts_of(problem)]
        return [*self.method_texts, *of_problems]

    def _texts_of(self, problem: Problem) -> list[str]:
        prompt = self.task.prompt(problem)
        return [prompt] if problem.rationale is None else [prompt, self.task.target(problem)]

    @property
    def _device(self) -> torch.device:
        return self.compute.torch_device

    @cached_property
    def _dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.compute.pinned().dtype == "bfloat16" else torch.float32
