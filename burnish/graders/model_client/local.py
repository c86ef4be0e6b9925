"""A model in this process as the judge, by our own engine.

It can be held to no schema, so the prompt asks for the format. A reply is a function of the
weights, the conversation and the seed. Graders with equal settings share one model, which is loaded
at the first question and stays until the process ends. It reads text only, and greedily where no
temperature is set.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, Literal

from pydantic import Field

from burnish.config import Config
from burnish.errors import EngineError, ModelError
from burnish.graders.model_client.chat import (
    Chat,
    ChatReply,
    Conversation,
    Judgement,
    Questions,
    T,
    with_instruction,
)
from burnish.graders.verdicts import ErrorKind, UngradableError, Verdict, each, together
from burnish.models.config import ModelConfig
from burnish.rollout.engine import Request, SamplingParams
from burnish.types import Completion, GraderFailure

if TYPE_CHECKING:
    from burnish.graders.model_client.local_model import LocalModel

Prompt = tuple[int, ...]


class LocalConfig(Config):
    """A model in this process."""

    type: Literal["local"] = "local"
    """where the model runs; its name is then one that `model.name` of a recipe could be"""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a CUDA device where there is one"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """type of weights and products"""
    max_new_tokens: int = Field(default=512, ge=1)
    """longest reply, unless `max_completions_tokens` says otherwise"""
    max_concurrent: int = Field(default=32, ge=1)
    """replies sampled at a time"""
    chat_template: str | None = None
    """replaces the tokenizer's chat template: Jinja text, or the path of a `.jinja` file"""
    pad_token: str | None = None
    """padding token for tokenizers that have none of their own"""

    def chat(self, questions: Questions[T]) -> Chat[T]:
        """Who answers them. Nothing is loaded yet."""
        return LocalChat(self, questions)


class LocalChat(Generic[T]):
    """Samples the replies."""

    def __init__(self, config: LocalConfig, questions: Questions[T]) -> None:
        """Loads nothing yet."""
        self._config = config
        self._questions = questions
        sampling = questions.sampling
        self._params = SamplingParams(
            max_tokens=sampling.max_tokens or config.max_new_tokens,
            temperature=sampling.temperature or 0.0,
            top_p=1.0 if sampling.top_p is None else sampling.top_p,
        )

    def ask(self, conversations: Sequence[Conversation]) -> list[Judgement[T] | Verdict]:
        """One judgement a conversation; where the model cannot be loaded, all of them fail."""
        with _LOCK:
            try:
                model = _loaded(self._config, self._questions.model)
            except ModelError as error:
                return [
                    GraderFailure(ErrorKind.MODEL_SERVER.value, str(error)) for _ in conversations
                ]
            prompts = each(conversations, lambda conversation: self._prompt(model, conversation))
            completions = together(prompts, lambda waiting: self._sampled(model, waiting))
        return each(completions, self._judgement)

    def _prompt(self, model: LocalModel, conversation: Conversation) -> Prompt:
        return model.prompt_ids(with_instruction(conversation, self._questions.format.instruction))

    def _sampled(self, model: LocalModel, prompts: list[Prompt]) -> list[Completion | Verdict]:
        """All together; where one does not fit the model, one by one."""
        try:
            return [*self._sample(model, prompts)]
        except EngineError:
            return each(prompts, lambda prompt: self._sample_one(model, prompt))

    def _sample(self, model: LocalModel, prompts: list[Prompt]) -> list[Completion]:
        seed = self._questions.sampling.seed or 0
        requests = [Request(prompt, (seed,)) for prompt in prompts]
        return [group[0] for group in model.engine.sample(requests, self._params)]

    def _sample_one(self, model: LocalModel, prompt: Prompt) -> Completion:
        try:
            return self._sample(model, [prompt])[0]
        except EngineError as error:
            raise UngradableError(ErrorKind.MODEL_SERVER, str(error)) from error

    def _judgement(self, completion: Completion) -> Judgement[T]:
        num_tokens = len(completion.prompt_ids) + len(completion.token_ids)
        reply = ChatReply(completion.text, completion.is_truncated, num_tokens)
        return Judgement(self._questions.read(reply), num_tokens)


_LOCK = threading.Lock()
_MODELS: dict[tuple[str, str], LocalModel] = {}


def _loaded(config: LocalConfig, model: str) -> LocalModel:
    """The libraries and the weights enter here, at the first question."""
    key = (model, config.model_dump_json())
    if key not in _MODELS:
        _MODELS[key] = _load(config, model)
    return _MODELS[key]


def _load(config: LocalConfig, model: str) -> LocalModel:
    from burnish.graders.model_client.local_model import load_local

    settings = ModelConfig(
        name=model,
        dtype=config.dtype,
        chat_template=config.chat_template,
        pad_token=config.pad_token,
    )
    return load_local(settings, device=config.device, max_concurrent=config.max_concurrent)
