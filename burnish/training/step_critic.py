"""The policy as the critic of its own partial solutions (methods.md 3.3, SELF-CRITIC).

It is asked, behind the partial solution, whether that is finished; where it is not, it may advise
on the next step (the common mode of the published code; `step_advice.py` hands the advice on).
Where we differ from that code: the question goes on with the same tokens or conversation, so that a
cache of prefixes serves proposals and critiques alike; the reply is the likeliest one, so that a
critique depends on nothing but what is criticised.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from transformers import PreTrainedTokenizerBase

from burnish.config import Config
from burnish.data.follow_up import FollowUp
from burnish.data.tasks.task import Task
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.rollout.step_proposer import prompt_of
from burnish.search.asks import Critique, Prefix
from burnish.training.tree_questions import Questions
from burnish.types import Completion

_IS_IT = "Is the solution above finished, so that its last step states the final answer? If it is,"
_GO_ON = re.compile(r"\W*(?:continue|unfinished|not finished|no)\b[\s:.,;-]*", re.IGNORECASE)


class _CriticConfig(Config):
    """What all critics are asked by."""

    instruction: str = Field(
        default=f'{_IS_IT} reply with "finished", otherwise with "continue".', min_length=1
    )
    """what stands behind the partial solution, on lines of its own or as the next message;
    {question} stands for the problem's question, {prompt} for the task's whole prompt"""
    finished: str = Field(default="finished", min_length=1)
    """a reply that begins with this word, in any case, means yes; every other one means no"""
    max_tokens: int = Field(default=8, ge=1)
    """most tokens of a reply; they are charged to the budget"""


class EndCriticConfig(_CriticConfig):
    """A critic that says whether a partial solution is finished."""

    type: Literal["end"] = "end"
    """what the policy is asked for"""


class AdviceCriticConfig(_CriticConfig):
    """A critic that, where it is not, advises on the next step."""

    type: Literal["advice"] = "advice"
    """what the policy is asked for"""
    instruction: str = Field(
        default=f'{_IS_IT} reply with "finished", otherwise with one sentence of advice on how to'
        " go on.",
        min_length=1,
    )
    """what stands behind the partial solution; placeholders as those of the critic `end`"""
    max_tokens: int = Field(default=64, ge=1)
    """most tokens of a reply; they are charged to the budget"""
    lead: str = "Advice for the next step: "
    """what stands before the advice, behind the question in the next step's prompt"""


CriticConfig: TypeAlias = Annotated[
    EndCriticConfig | AdviceCriticConfig, Field(discriminator="type")
]


class StepCritic:
    """Answers all critiques that are asked for at once with one call of the engine."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: PreTrainedTokenizerBase,
        task: Task,
        *,
        config: CriticConfig,
        questions: Questions,
    ) -> None:
        """`tokenizer`: the engine's; `task`: that of the questions."""
        self._engine = engine
        self._config = config
        self._questions = questions
        self._follow_up = FollowUp(task, tokenizer, config.instruction)
        self._yes = re.compile(rf"\W*{re.escape(config.finished)}(?!\w)", re.IGNORECASE)

    def criticise(self, prefixes: Sequence[Prefix]) -> list[Critique]:
        """A critique of each prefix, in order, with the tokens of the reply as what it costs.

        Raises EngineError for a tree whose question was not planted, and where a prefix does not
        fit the model's context; DataError where the chat template allows no further message.
        """
        params = SamplingParams(self._config.max_tokens, temperature=0.0)
        replies = self._engine.sample([self._request(prefix) for prefix in prefixes], params)
        return [self._critique(completion) for (completion,) in replies]

    def _request(self, prefix: Prefix) -> Request:
        before = prompt_of(prefix, self._questions.prompts) + prefix.token_ids
        asked = self._follow_up.ids(self._questions.problems[prefix.tree_id])
        return Request(before + asked, (0,))

    def _critique(self, completion: Completion) -> Critique:
        reply, cost = completion.text, len(completion.token_ids)
        if self._yes.match(reply):
            return Critique(is_finished=True, num_tokens=cost)
        is_asked = isinstance(self._config, AdviceCriticConfig)
        advice = " ".join(_GO_ON.sub("", reply, count=1).split()) if is_asked else ""
        return Critique(is_finished=False, advice=advice, num_tokens=cost)
