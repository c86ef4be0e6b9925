"""A language model labels pairs: RLAIF's soft labels, and those of Constitutional AI.

    p(order) = P(option of the first answer) / (P(option 1) + P(option 2))
    label    = mean over principles of clamp(mean over both orders, and over reasons, of p)

Lee et al. 2023 (arXiv:2309.00267): both orders, since judges like a place; reasons (chain of
thought) are written greedily, appended, and then the options are read. Bai et al. 2022
(arXiv:2212.08073): several principles averaged, and with reasons clamped to [0.4, 0.6], since a
judge that has argued is too sure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.training.judging.endpoint import EndpointJudgeModelConfig
from burnish.training.judging.labels import AnswerPair, PairJudge, PairLabel, Reading
from burnish.training.judging.local_model import LocalJudgeModelConfig
from burnish.training.judging.options import (
    NO_TOKENS,
    Choice,
    JudgeTokens,
    OptionModel,
    no_option,
)
from burnish.training.judging.prompts import PairPromptConfig
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench
from burnish.types import GraderFailure

AnyJudgeModelConfig: TypeAlias = Annotated[
    LocalJudgeModelConfig | EndpointJudgeModelConfig, Field(discriminator="type")
]


class ReasonsConfig(Config):
    """Reasons that a judge writes before it decides (chain of thought)."""

    max_tokens: int = Field(default=128, ge=1)
    """Tokens of them, at most; they are one paragraph. The paper: 512."""
    samples: int = Field(default=1, ge=1)
    """Times they are written, each time anew; the labels are averaged (self-consistency)."""
    temperature: float = Field(default=0.0, ge=0)
    """Of them; the paper: greedy, and for several samples 0.3 to 1."""

    @model_validator(mode="after")
    def _several_differ(self) -> Self:
        if self.samples > 1 and self.temperature == 0.0:
            raise ValueError("samples: greedy reasons are the same each time; set a temperature")
        return self


class ModelPairJudgeConfig(Config):
    """A language model compares two answers."""

    type: Literal["model"] = "model"
    """who judges: a language model"""
    model: AnyJudgeModelConfig = LocalJudgeModelConfig()
    """where it runs: local (in this process) or endpoint (an OpenAI-compatible server)"""
    prompt: PairPromptConfig = PairPromptConfig()
    """what it is asked"""
    reasons: ReasonsConfig | None = None
    """reasons that it writes first; default: none"""
    clamp: tuple[float, float] = (0.0, 1.0)
    """lowest and highest label of one principle; Constitutional AI with reasons: 0.4 and 0.6"""
    min_mass: float = Field(default=0.1, ge=0, le=1)
    """probability that the options must have together; below it the judge has said neither, and
    the pair has no label"""

    @model_validator(mode="after")
    def _clamp_goes_up(self) -> Self:
        low, high = self.clamp
        if not 0.0 <= low <= 0.5 <= high <= 1.0:
            raise ValueError(f"clamp: {[low, high]}; expected 0 to 0.5, then 0.5 to 1")
        return self

    def build(self, bench: Workbench) -> PairJudge:
        """Load or reach the model. Raises ConfigError and ModelError."""
        return ModelPairJudge(self, self.model.open(bench))


@dataclass(frozen=True, slots=True)
class _Shown:
    """A pair shown once; `place` is that of the pair."""

    place: int
    principle: str
    is_swapped: bool
    prompt: str
    tokens: JudgeTokens = NO_TOKENS
    failure: str | None = None


class ModelPairJudge:
    """Asks about every pair in both orders, by every principle."""

    def __init__(self, config: ModelPairJudgeConfig, model: OptionModel) -> None:
        """`model`: what answers."""
        self._config = config
        self._model = model

    def label(self, pairs: Sequence[AnswerPair], *, seed: int) -> list[PairLabel]:
        """One label a pair. Raises GraderError where the model cannot be asked."""
        return self.label_by(pairs, [self._config.prompt.principles] * len(pairs), seed=seed)

    def label_by(
        self, pairs: Sequence[AnswerPair], principles: Sequence[Sequence[str]], *, seed: int
    ) -> list[PairLabel]:
        """The same by principles of each pair's own."""
        shown = [
            _Shown(place, principle, is_swapped, self._text(pair, principle, is_swapped))
            for place, (pair, own) in enumerate(zip(pairs, principles, strict=True))
            for principle in own
            for is_swapped in (False, True)
        ]
        shown = self._with_reasons(shown, seed=seed)
        of_pair: dict[int, list[tuple[Reading, JudgeTokens]]] = {}
        for asked, said in zip(shown, self._choices(shown), strict=True):
            of_pair.setdefault(asked.place, []).append(self._reading(asked, said))
        return [self._label(of_pair.get(place, [])) for place in range(len(pairs))]

    def _text(self, pair: AnswerPair, principle: str, is_swapped: bool) -> str:
        replies = (pair.second, pair.first) if is_swapped else (pair.first, pair.second)
        return self._config.prompt.text(pair.problem.question, replies, principle)

    def _with_reasons(self, shown: Sequence[_Shown], *, seed: int) -> list[_Shown]:
        """Each as often as reasons are written, with the reasons in its prompt, and the ending."""
        reasons, prompt = self._config.reasons, self._config.prompt
        if reasons is None:
            return [replace(asked, prompt=asked.prompt + prompt.ending) for asked in shown]
        every = [asked for asked in shown for _ in range(reasons.samples)]
        written = self._model.write(
            [asked.prompt + prompt.reasons for asked in every],
            max_tokens=reasons.max_tokens,
            temperature=reasons.temperature,
            seeds=[derived_seed(seed, "reasons", number) for number in range(len(every))],
        )
        found = []
        for asked, said in zip(every, written, strict=True):
            if isinstance(said, GraderFailure):
                found.append(replace(asked, failure=said.kind))
                continue
            text = prompt.with_reasons(asked.prompt, said.text) + prompt.ending
            found.append(replace(asked, prompt=text, tokens=said.tokens))
        return found

    def _choices(self, shown: Sequence[_Shown]) -> list[Choice | GraderFailure]:
        """What the model says to each; a failure goes along."""
        waiting = [asked.prompt for asked in shown if asked.failure is None]
        options = self._config.prompt.options
        said = iter(self._model.choose(waiting, options) if waiting else ())
        return [
            next(said) if asked.failure is None else GraderFailure(asked.failure, "")
            for asked in shown
        ]

    def _reading(self, asked: _Shown, said: Choice | GraderFailure) -> tuple[Reading, JudgeTokens]:
        blank = Reading(asked.principle, asked.is_swapped, None, 0.0, asked.prompt)
        if isinstance(said, GraderFailure):
            return replace(blank, failure=said.kind), asked.tokens
        tokens = asked.tokens + said.tokens
        neither = no_option(said, min_mass=self._config.min_mass)
        if neither is not None:
            return replace(blank, mass=said.mass, failure=neither.kind), tokens
        first, second = said.shares
        probability = second if asked.is_swapped else first
        return replace(blank, probability=probability, mass=said.mass), tokens

    def _label(self, found: Sequence[tuple[Reading, JudgeTokens]]) -> PairLabel:
        readings = tuple(reading for reading, _ in found)
        tokens = sum((cost for _, cost in found), NO_TOKENS)
        label = PairLabel(self._model.name, None, readings, tokens)
        low, high = self._config.clamp
        principles = dict.fromkeys(reading.principle for reading in readings)
        means = [both_orders(readings, principle) for principle in principles]
        known = [min(high, max(low, mean)) for mean in means if mean is not None]
        if known:
            return replace(label, probability=fmean(known))
        kinds = Counter(reading.failure for reading in readings if reading.failure)
        return replace(label, failure=kinds.most_common(1)[0][0])


def both_orders(readings: Sequence[Reading], principle: str) -> float | None:
    """The mean of the means of both orders; None where an order has nothing that could be read."""
    means = []
    for is_swapped in (False, True):
        said = [
            reading.probability
            for reading in readings
            if reading.principle == principle
            and reading.is_swapped is is_swapped
            and reading.probability is not None
        ]
        if not said:
            return None
        means.append(fmean(said))
    return fmean(means)
