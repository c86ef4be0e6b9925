"""What a comment on an answer amounts to: a score, the aspect it is about, and how sure that is.

Two judges. A `model` (any LLM: a server that speaks OpenAI's API, or one in this process) is asked
for one JSON object; a `lexicon` looks for words, needs nothing and understands little. A comment
that cannot be read has no score: it is counted by kind, and never taken for a 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Literal, Protocol, TypeAlias

from pydantic import Field, field_validator

from burnish.config import Config
from burnish.graders.model_client.api import ApiConfig
from burnish.graders.model_client.chat import ChatReply, Conversation, Judgement, Questions
from burnish.graders.model_client.local import LocalConfig
from burnish.graders.openai.model_grader import (
    SamplingParams,
    reply_format,
    result_in,
    unreadable,
)
from burnish.graders.verdicts import Verdict
from burnish.types import Comment, GraderFailure, Json, Score

OVERALL = "overall"
UNREADABLE = "comment_without_opinion"
_DEFAULT_ASPECTS = ("helpful", "honest", "kind", "brief")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a comment amounts to.

    Attributes:
        score: of the answer as a whole, from 0 (worthless) to 1 (perfect).
        aspect: what the comment is mostly about.
        confidence: from 0 to 1, how surely the comment says so.
        num_tokens: what it took to find out.
    """

    score: float
    aspect: str
    confidence: float
    num_tokens: int = 0


class CommentJudge(Protocol):
    """Reads comments."""

    def read(self, comments: Sequence[Comment]) -> list[Opinion | GraderFailure]:
        """One opinion a comment, in order; a failure where it cannot be read."""
        ...


class ModelJudgeConfig(Config):
    """Ask a language model what a comment means."""

    type: Literal["model"] = "model"
    """the judge"""
    model: str = Field(min_length=1)
    """its name at the server, or of a local model"""
    served_by: Annotated[ApiConfig | LocalConfig, Field(discriminator="type")] = ApiConfig()
    """where it runs: `api`, an OpenAI-compatible server, or `local`, this process"""
    sampling_params: SamplingParams = SamplingParams(temperature=0.0)
    """how its reply is drawn"""
    aspects: list[str] = Field(default=[*_DEFAULT_ASPECTS], min_length=1)
    """what a comment may be about, beside the whole"""

    def build(self) -> CommentJudge:
        """The judge. Raises ConfigError where a key is missing."""
        return ModelJudge(self)


class LexiconConfig(Config):
    """Look for words that say something."""

    type: Literal["lexicon"] = "lexicon"
    """the judge"""
    words: dict[str, float] = Field(
        default={
            **dict.fromkeys(("useless", "terrible", "bad", "learnt nothing"), 0.1),
            **dict.fromkeys(("weak", "poor", "not good", "expected more"), 0.3),
            **dict.fromkeys(("acceptable", "average", "fair", "will do"), 0.5),
            **dict.fromkeys(("good", "solid", "content", "nice"), 0.7),
            **dict.fromkeys(("excellent", "perfect", "great", "just what i wanted"), 0.9),
        },
        min_length=1,
    )
    """words or phrases about the whole, and the score each stands for; the longest is read first"""
    aspects: dict[str, list[str]] = Field(
        default={
            "helpful": ["leaves out", "tells me all"],
            "honest": ["wrong", "right", "true", "false"],
            "kind": ["rude", "friendly"],
            "brief": ["too long", "short"],
        }
    )
    """what a comment may be about, by words or phrases in it"""

    @field_validator("words")
    @classmethod
    def _scores_are_shares(cls, words: dict[str, float]) -> dict[str, float]:
        off = next((word for word, score in words.items() if not 0 <= score <= 1), None)
        if off is not None:
            raise ValueError(f"words: {off!r} stands for {words[off]:g}; a score is from 0 to 1")
        return words

    def build(self) -> CommentJudge:
        """The judge."""
        return Lexicon(self)


JudgeConfig: TypeAlias = Annotated[ModelJudgeConfig | LexiconConfig, Field(discriminator="type")]


class Lexicon:
    """Means of the words that were found; the more they differ, the less sure."""

    def __init__(self, config: LexiconConfig) -> None:
        """Everything it needs is in `config`."""
        self._words = {word.casefold(): score for word, score in config.words.items()}
        self._pattern = _any_of(self._words)
        self._aspects = {name: _any_of(words) for name, words in config.aspects.items()}

    def read(self, comments: Sequence[Comment]) -> list[Opinion | GraderFailure]:
        """A comment without a word that is known has no opinion."""
        return [self._opinion(comment.comment.casefold()) for comment in comments]

    def _opinion(self, words: str) -> Opinion | GraderFailure:
        scores = [self._words[found] for found in self._pattern.findall(words)]
        if not scores:
            message = f"no word of the lexicon stands in the comment {words!r:.80}"
            return GraderFailure(UNREADABLE, message)
        about = (name for name, pattern in self._aspects.items() if pattern.search(words))
        return Opinion(fmean(scores), next(about, OVERALL), 1.0 - (max(scores) - min(scores)))


class ModelJudge:
    """Asks for score, aspect and confidence in one JSON object."""

    def __init__(self, config: ModelJudgeConfig) -> None:
        """Raises ConfigError where a key is missing."""
        self._aspects = (*config.aspects, OVERALL)
        self._chat = config.served_by.chat(
            Questions(
                model=config.model,
                sampling=config.sampling_params.sampling(),
                format=reply_format(self._schema(), self._wanted),
                read=self._said,
            )
        )

    def read(self, comments: Sequence[Comment]) -> list[Opinion | GraderFailure]:
        """All comments are asked about together."""
        found = self._chat.ask([self._conversation(comment) for comment in comments])
        return [_opinion(judgement) for judgement in found]

    @property
    def _wanted(self) -> str:
        return (
            'an object {"score": a number from 0 to 1, "aspect": one of '
            f'{", ".join(self._aspects)}, "confidence": a number from 0 to 1}}'
        )

    def _schema(self) -> dict[str, Json]:
        share: dict[str, Json] = {"type": "number"}
        return {
            "type": "object",
            "properties": {
                "score": share,
                "aspect": {"type": "string", "enum": [*self._aspects]},
                "confidence": share,
            },
            "required": ["score", "aspect", "confidence"],
            "additionalProperties": False,
        }

    def _conversation(self, comment: Comment) -> Conversation:
        task = (
            "Somebody read a reply and wrote a comment on it. Judge the comment, not the reply: how"
            " good does its writer find the reply, from 0 (worthless) to 1 (perfect)? Which aspect"
            f" is it mostly about ({', '.join(self._aspects)})? How sure can one be of the score,"
            " from 0 (the comment says nothing of it) to 1 (it leaves no doubt)?"
        )
        shown = (
            f"Question:\n{comment.problem.question.strip()}\n\nReply:\n{comment.text.strip()}\n\n"
            f"Comment:\n{comment.comment.strip()}"
        )
        return ({"role": "system", "content": task}, {"role": "user", "content": shown})

    def _said(self, reply: ChatReply) -> Opinion:
        """Raises UngradableError for anything but the three things that were asked for."""
        found = result_in(reply)
        if not isinstance(found, dict):
            raise unreadable(reply, self._wanted)
        score, confidence = _share(found.get("score")), _share(found.get("confidence"))
        aspect = found.get("aspect")
        if score is None or confidence is None or aspect not in self._aspects:
            raise unreadable(reply, self._wanted)
        return Opinion(score, str(aspect), confidence)


def _opinion(judgement: Judgement[Opinion] | Verdict) -> Opinion | GraderFailure:
    assert not isinstance(judgement, Score)
    if isinstance(judgement, GraderFailure):
        return judgement
    said = judgement.value
    return Opinion(said.score, said.aspect, said.confidence, judgement.num_tokens)


def _share(found: Json) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if 0 <= found <= 1 else None


def _any_of(words: Mapping[str, float] | Sequence[str]) -> re.Pattern[str]:
    """Whole words, the longest first."""
    ordered = sorted((word.casefold() for word in words), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, ordered))})\b")
