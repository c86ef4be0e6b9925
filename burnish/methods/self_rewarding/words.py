"""The policy as its own judge: it is asked in words for points that add up, several times.

Self-Rewarding (arXiv:2401.10020, figure 2) gives up to five points, one for each of five
qualities, and averages three judgements; the words here are our own. The authors' code of
ReST-MCTS* asks for a number from 0 to 1 instead (`highest: 1` and a prompt of one's own), asks
again where none can be read, at most three times, and then takes 0; here such an answer has no
score and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal, Self

from pydantic import Field, model_validator

from burnish.config import Config
from burnish.data.rendering import conversation_text
from burnish.errors import ConfigError
from burnish.models.policy import Policy
from burnish.rollout.engine import Request
from burnish.training.candidate_pairs import Judgement
from burnish.training.samples import GradedSample
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench
from burnish.types import Completion, Message, Problem

ADDITIVE_PROMPT = """\
Below are a question and an answer to it. Judge the answer by giving points that add up, one for
each of these that is true of it:

1. It has something to do with the question, even if much is missing or wrong.
2. It deals with a good part of what was asked, even if not with all of it.
3. It settles the essential parts of the question in a way that can be used.
4. It is clear, complete and in good order, and speaks directly to what was asked.
5. It could not be better: everything is right, and nothing is left out or superfluous.

Question:
{question}

Answer:
{answer}

Give your reasons in a few sentences. Then end with the sum of the points, from 0 to 5, on a line
of its own, as in "Score: 3".
"""

_NUMBER = re.compile(r"score\s*:\s*\**\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


class PolicyJudgeConfig(Config):
    """The model judges its own answers."""

    type: Literal["policy"] = "policy"
    """the round's model itself, asked in words"""
    prompt: str = ADDITIVE_PROMPT
    """what it is asked; {question} and {answer} are filled in, and its reply ends with "Score: "
    and a number"""
    form: Literal["plain", "chat"] = "plain"
    """plain: the prompt as it stands, for a base model to go on with; chat: as the user's message
    by the tokenizer's chat template"""
    num_judgements: int = Field(default=3, ge=1)
    """Replies whose scores are averaged; the paper: 3."""
    highest: float = Field(default=5.0, gt=0)
    """The highest score; a larger number in a reply is none."""
    temperature: float = Field(default=0.7, gt=0)
    """Of the replies."""
    top_p: float = Field(default=0.9, gt=0, le=1)
    """Of the replies."""
    max_tokens: int = Field(default=256, ge=1)
    """Tokens of a reply, at most."""

    @model_validator(mode="after")
    def _names_what_it_judges(self) -> Self:
        for place in ("{question}", "{answer}"):
            if place not in self.prompt:
                raise ValueError(f"prompt: has no {place}, without which there is nothing to judge")
        return self

    def build(self, bench: Workbench, policy: Policy) -> PolicyJudge:
        """Raises ConfigError for a trimmed vocabulary, which lacks the prompt's tokens."""
        if bench.model.trim_vocabulary:
            raise ConfigError(
                "model.trim_vocabulary: the judge reads and writes words that the task's texts may "
                "not have. Set it to false, or take another method.judge."
            )
        return PolicyJudge(self, bench, policy)


def score_in(text: str, *, highest: float) -> float | None:
    """The last score that a reply gives; None where it gives none from 0 to `highest`."""
    found = _NUMBER.findall(text)
    if not found:
        return None
    score = float(found[-1])
    return score if score <= highest else None


class PolicyJudge:
    """Charged are the tokens of the replies."""

    def __init__(self, config: PolicyJudgeConfig, bench: Workbench, policy: Policy) -> None:
        self._config = config
        self._tokenizer = policy.tokenizer
        self._engine = bench.engine(policy)
        whole = bench.sampling(temperature=config.temperature)
        self._params = replace(whole, max_tokens=config.max_tokens, top_p=config.top_p)

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        """The mean of the scores that can be read, of each candidate.

        Raises EngineError where the question, the answer and the reply do not fit the context.
        """
        requests = [
            Request(
                self._prompt_ids(problem, candidate),
                tuple(
                    derived_seed(seed, place, problem.id, number)
                    for number in range(self._config.num_judgements)
                ),
            )
            for place, (problem, candidate) in enumerate(zip(problems, candidates, strict=True))
        ]
        return [self._mean(replies) for replies in self._engine.sample(requests, self._params)]

    def _mean(self, replies: Sequence[Completion]) -> Judgement:
        found = [score_in(reply.text, highest=self._config.highest) for reply in replies]
        scores = [score for score in found if score is not None]
        num_tokens = sum(len(reply.token_ids) for reply in replies)
        return Judgement(fmean(scores) if scores else None, num_tokens)

    def _prompt_ids(self, problem: Problem, candidate: GradedSample) -> tuple[int, ...]:
        places = {"question": problem.question, "answer": candidate.text}
        text = re.sub(r"\{(question|answer)\}", lambda m: places[m[1]], self._config.prompt)
        if self._config.form == "chat":
            text = conversation_text(self._tokenizer, [Message("user", text)], problem.id)
            return tuple(self._tokenizer.encode(text, add_special_tokens=False))
        return tuple(self._tokenizer.encode(text))
