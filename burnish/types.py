"""The nouns of reinforcement fine-tuning, spelled once. No torch; no behaviour but derived facts.

A `Problem` is asked; an engine answers it with a `Completion`; a grader turns the completion into
a `Score`; problem, tokens and score together are a `Trajectory`; the trajectories of one problem
are a `Group`. Supervised rows are an `Example`: a trajectory without what sampling adds. People and
judges say what they think of answers in four ways: a `Preference` between two, a `Rating`, an
`AttributeRating` or a `Comment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class StopReason(StrEnum):
    """Why sampling of a completion ended."""

    EOS = "eos"
    STOP_STRING = "stop_string"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `role` is system, developer, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with an answer that can be checked.

    Attributes:
        id: unique within its data set; stable between runs.
        question: what is asked, as plain text.
        answer: the gold answer as text ("203.0", "c"); None where a row has none.
        rationale: an annotated chain of thought or program that leads to the answer, if any.
        messages: the conversation to be answered, when the row is a conversation; else empty.
        fields: every other column of the row (`item.*` in OpenAI's grader templates).
    """

    id: str
    question: str
    answer: str | None
    rationale: str | None = None
    messages: tuple[Message, ...] = ()
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine sampled for one prompt: tokens first, text for people and graders.

    Attributes:
        prompt_ids: the tokens the model was given.
        token_ids: the sampled tokens, in order; ends with EOS if and only if EOS was sampled.
        logp: natural log-probability of each sampled token under the model itself (temperature 1).
        sampler_logp: the same under the distribution it was drawn from (temperature, top-k, ...).
        text: the decoded tokens, without special tokens; with a stop string, cut before it.
        stop_reason: why it ended.
    """

    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    logp: tuple[float, ...]
    sampler_logp: tuple[float, ...]
    text: str
    stop_reason: StopReason

    @property
    def is_truncated(self) -> bool:
        """True where the token limit ended it: the answer may be missing."""
        return self.stop_reason is StopReason.LENGTH


@dataclass(frozen=True, slots=True)
class Score:
    """What a grader says about one completion.

    Attributes:
        reward: the number to be maximised.
        is_correct: whether the answer equals the gold answer (what accuracy counts).
        answer: the extracted answer in a normal form, so that equal answers are equal strings;
            None where there is none. Voting counts these.
        parts: named components of the reward, for the logs.
    """

    reward: float
    is_correct: bool
    answer: str | None
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraderFailure:
    """The grader itself failed (it did not find the answer wrong). Such a sample leaves the batch.

    Attributes:
        kind: a short stable name under which failures are counted ("sandbox", "exception", ...).
        message: what happened.
    """

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Example:
    """A tokenised row to imitate.

    Attributes:
        problem_id: where it came from.
        token_ids: prompt and target, L tokens, EOS included.
        is_action: L flags, True for the tokens to learn (the target), False for the prompt.
    """

    problem_id: str
    token_ids: tuple[int, ...]
    is_action: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class SteppedTokens:
    """A prompt and the steps of a solution so far, tokenised: what a value model reads.

    Attributes:
        problem_id: what is solved.
        prompt_ids: the tokens before the first step, at least one.
        step_ids: the tokens of each of S steps, in order; none for the bare question.
    """

    problem_id: str
    prompt_ids: tuple[int, ...]
    step_ids: tuple[tuple[int, ...], ...]

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Prompt and steps as one sequence."""
        return sum(self.step_ids, self.prompt_ids)

    @property
    def step_ends(self) -> tuple[int, ...]:
        """S positions in `token_ids`, each one past the last token of a step."""
        return tuple(accumulate(map(len, self.step_ids), initial=len(self.prompt_ids)))[1:]


@dataclass(frozen=True, slots=True)
class StepLabels:
    """A solution and what is known of the worth of its steps.

    Attributes:
        tokens: the solution.
        values: S numbers from 0 (wrong, hopeless) to 1; None for a step without a label.
    """

    tokens: SteppedTokens
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt of a trajectory that has several.

    Attributes:
        start, stop: the attempt is `token_ids[start:stop]` of its trajectory.
        text: its decoded tokens.
        score: the grader's verdict on it alone.
        stop_reason: why it ended.
    """

    start: int
    stop: int
    text: str
    score: Score
    stop_reason: StopReason

    @property
    def is_truncated(self) -> bool:
        """True where the token limit ended it; what follows then answers an unfinished attempt."""
        return self.stop_reason is StopReason.LENGTH


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A graded sample, ready to learn from. Several turns are several runs of True in `is_action`.

    Attributes:
        problem_id: the problem it answers.
        token_ids: prompt(s) and sampled tokens in order, L tokens.
        is_action: L flags, True for the tokens that the policy itself sampled.
        logp: L values, the engine's log-probability under the untempered model; 0 off the actions.
        sampler_logp: L values, the same under the distribution that was drawn from.
        score: the grader's verdict; with several turns, on the last.
        stop_reason: why the last turn ended.
        text: the last turn's decoded text.
        turns: every attempt in order, where there are several; else empty.
    """

    problem_id: str
    token_ids: tuple[int, ...]
    is_action: tuple[bool, ...]
    logp: tuple[float, ...]
    sampler_logp: tuple[float, ...]
    score: Score
    stop_reason: StopReason
    text: str
    turns: tuple[Turn, ...] = ()

    @property
    def is_truncated(self) -> bool:
        """True where the token limit ended it."""
        return self.stop_reason is StopReason.LENGTH


@dataclass(frozen=True, slots=True)
class Group:
    """All trajectories sampled for one problem in one step.

    Attributes:
        problem: what was asked.
        trajectories: the samples that were graded.
        failures: one for each sample that could not be graded, and so is no trajectory.
    """

    problem: Problem
    trajectories: tuple[Trajectory, ...]
    failures: tuple[GraderFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one problem, and which of them is better.

    Attributes:
        problem: what was asked.
        chosen: the text of the better answer, without EOS.
        rejected: that of the other one.
        probability: that the chosen one is better, from 0.5 to 1: 1 for a plain label, 0.5 for a
            tie, between them for a soft label.
        strength: by how much it is better, on the scale of who said it (as rating points); None
            where nobody said.
        ranking: the ranking that the pair was made of, whose pairs are learnt together; None for a
            comparison of its own.
        source: who said it: "human", a judge's name, a rule.
        weight: how much it counts, more than 0.
    """

    problem: Problem
    chosen: str
    rejected: str
    probability: float = 1.0
    strength: float | None = None
    ranking: str | None = None
    source: str = "human"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's rating of one answer.

    Attributes:
        problem, text: what was asked, and the answer, without EOS.
        rating: from 0, the worst, to the number of grades less 1.
        rater: who said it; raters use a scale differently.
        source, weight: as in `Preference`.
    """

    problem: Problem
    text: str
    rating: int
    rater: str = ""
    source: str = "human"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class AttributeRating:
    """An answer rated by several attributes.

    Attributes:
        problem, text: what was asked, and the answer, without EOS.
        values: a number by attribute; None, or no entry, where nobody said.
        source, weight: as in `Preference`.
    """

    problem: Problem
    text: str
    values: Mapping[str, float | None]
    source: str = "human"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Comment:
    """An answer and what somebody wrote about it.

    Attributes:
        problem, text: what was asked, and the answer, without EOS.
        comment: the words.
        source, weight: as in `Preference`.
    """

    problem: Problem
    text: str
    comment: str
    source: str = "human"
    weight: float = 1.0
