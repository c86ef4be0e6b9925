"""What the graders that ask a model share: the prompt, the sampling, and reading the reply.

The model is asked for one JSON object: `steps`, in which it thinks, and `result`. A server is held
to it by a schema, as OpenAI's grader does; other models are asked for it in words. The whole reply
must be such an object or the bare result (after a `</think>`, in a code fence, or as the last
line): nothing is picked out of the middle of a text, where the graded sample may be quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.graders.model_client.api import ApiConfig
from burnish.graders.model_client.chat import ChatReply, Judgement, Questions, ReplyFormat, Sampling
from burnish.graders.model_client.local import LocalConfig
from burnish.graders.openai.messages import InputMessage, composer, is_text
from burnish.graders.openai.namespace import namespace_of
from burnish.graders.verdicts import (
    ErrorKind,
    UngradableError,
    Verdict,
    beside,
    each,
    score_of,
    together,
)
from burnish.types import Completion, Json, Problem, Score

ServedBy: TypeAlias = Annotated[ApiConfig | LocalConfig, Field(discriminator="type")]

_FENCE = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)


class SamplingParams(Config):
    """How the grader model's reply is drawn."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    """0 is greedy; null: the server's default, for a local model 0"""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """the share of probability to draw from; null: all of it"""
    seed: int | None = None
    """where the server draws from it: equal replies to equal questions"""
    max_completions_tokens: int | None = Field(default=None, ge=1)
    """longest reply, thinking included (OpenAI's spelling); null: the server's limit"""
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    """how much a reasoning model thinks"""

    def sampling(self) -> Sampling:
        """The same for the client."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            max_tokens=self.max_completions_tokens,
            reasoning_effort=self.reasoning_effort,
        )


class ModelGraderConfig(Config):
    """What `score_model` and `label_model` have in common."""

    name: str = ""
    """what it is called"""
    model: str = Field(min_length=1)
    """the grader model: its name at the server, or of a local model"""
    input: list[InputMessage] = Field(min_length=1)
    """the prompt"""
    sampling_params: SamplingParams = SamplingParams()
    """how its reply is drawn"""
    served_by: ServedBy = ApiConfig()
    """where it runs: `api`, an OpenAI-compatible server, or `local`, this process"""
    unreadable_reward: float | None = Field(default=None, allow_inf_nan=False)
    """what a sample earns that is not the JSON a template reads; null: it leaves the batch"""

    @model_validator(mode="after")
    def _local_models_read_text(self) -> Self:
        if isinstance(self.served_by, LocalConfig) and not is_text(self.input):
            raise ValueError("a local model reads text only; images and sound need served_by: api")
        return self


class ModelGrader:
    """Scores the number that a model's reply stands for."""

    def __init__(
        self,
        config: ModelGraderConfig,
        questions: Questions[float],
        *,
        pass_threshold: float | None,
        best: float = 1.0,
    ) -> None:
        """`best`: the highest score. Raises ConfigError where a key is missing."""
        self._config = config
        self._compose = composer(config.input)
        self._chat = config.served_by.chat(questions)
        self._pass_threshold = pass_threshold
        self._best = best

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Verdict]:
        """Fills the prompt and asks for all samples. Raises ModelError for a local model."""
        samples = [namespace_of(pair) for pair in pairs]
        texts = [sample.text for sample in samples]
        unreadable_reward = self._config.unreadable_reward
        prompts = each(samples, self._compose, unreadable_reward=unreadable_reward)
        judgements = together(prompts, self._chat.ask)
        return each(beside(judgements, texts), lambda both: self._score(*both))

    def _score(self, judgement: Judgement[float], text: str) -> Score:
        return score_of(
            judgement.value,
            text=text,
            pass_threshold=self._pass_threshold,
            best=self._best,
            parts={"tokens": float(judgement.num_tokens)},
        )


def reply_format(result: dict[str, Json], instruction: str) -> ReplyFormat:
    """Steps of thought and a result, as in the documented format of OpenAI's grader.

    Args:
        result: the JSON schema of the result.
        instruction: the result in words.
    """
    text: dict[str, Json] = {"type": "string"}
    step = _object({"description": text, "conclusion": text})
    schema = _object({"steps": {"type": "array", "items": step}, "result": result})
    words = f'Reply with nothing but one JSON object, {{"result": R}}, where R is {instruction}.'
    return ReplyFormat(schema, words)


def result_in(reply: ChatReply) -> Json:
    """The result in a reply; a text that is no JSON is itself the result.

    Raises UngradableError where the object has no result.
    """
    said = reply.text.rpartition("</think>")[2].strip()
    for candidate in _candidates(said):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if not isinstance(found, dict):
            return found
        if "result" in found:
            return found["result"]
    return said


def unreadable(reply: ChatReply, expected: str) -> UngradableError:
    """The error for a reply that does not say what was asked."""
    cut = (
        "; the token limit cut it off: raise `max_completions_tokens`" if reply.is_truncated else ""
    )
    return UngradableError(
        ErrorKind.MODEL_PARSE,
        f"the grader model was to reply with {expected}, but it said {reply.text[-200:]!r}{cut}",
    )


def _candidates(said: str) -> Iterator[str]:
    yield said
    fenced = _FENCE.fullmatch(said)
    if fenced:
        yield fenced[1]
    yield said.rpartition("\n")[2]


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
