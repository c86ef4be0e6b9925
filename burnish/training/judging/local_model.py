"""A language model in this process as the judge: the log-probabilities of the options it is given.

    P(option | prompt) = prod_t pi(o_t | prompt, o_<t)

where an option that begins another one (1 and 10) loses what the other one has. Prompts are read
once for all options, and many in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Literal

import torch

from burnish.config import Config
from burnish.data.rendering import conversation_text
from burnish.errors import DataError
from burnish.models.batching import micro_batches
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.training.judging.options import Choice, JudgeTokens, OptionModel, Written
from burnish.training.workbench import Workbench
from burnish.types import Message

Ids = tuple[int, ...]


class LocalJudgeModelConfig(Config):
    """A model in this process."""

    type: Literal["local"] = "local"
    """where the judge runs"""
    model: str | None = None
    """its name or folder, as for `model.name`; default: the recipe's own model, before training"""
    form: Literal["plain", "chat"] = "plain"
    """plain: the prompt as it stands, for a base model to go on with; chat: as the user's message
    by the tokenizer's chat template"""

    def open(self, bench: Workbench) -> OptionModel:
        """Load it, with its whole vocabulary and without an adapter of its own."""
        plain = {"trim_vocabulary": False, "lora": None}
        if self.model is not None:
            plain["name"] = self.model
        own = replace(bench, model=bench.model.model_copy(update=plain))
        policy = own.load_policy()
        max_tokens = bench.compute.max_tokens_per_batch
        return LocalOptions(
            own.model.name, policy, own.engine(policy), form=self.form, max_tokens=max_tokens
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt and one option, as a row of a batch."""

    place: int
    token_ids: Ids
    is_action: tuple[bool, ...]

    @classmethod
    def of(cls, place: int, prompt: Ids, option: Ids) -> _Asked:
        is_action = (False,) * len(prompt) + (True,) * len(option)
        return cls(place, prompt + option, is_action)


class LocalOptions:
    """Reads a policy."""

    def __init__(
        self,
        name: str,
        policy: Policy,
        engine: Engine,
        *,
        form: Literal["plain", "chat"] = "plain",
        max_tokens: int,
    ) -> None:
        """`engine`: samples from `policy`; `max_tokens`: of a batch, changes nothing but memory."""
        self._name = name
        self._policy = policy
        self._engine = engine
        self._form = form
        self._max_tokens = max_tokens

    @property
    def name(self) -> str:
        """As the recipe names it."""
        return self._name

    def choose(self, prompts: Sequence[str], options: Sequence[str]) -> list[Choice]:
        """How each prompt goes on. Raises DataError for one that does not fit the context."""
        asked = [self._prompt_ids(prompt) for prompt in prompts]
        said = [self._option_ids(option) for option in options]
        for prompt in asked:
            self._require_room(prompt, max(map(len, said)))
        rows = [
            _Asked.of(place * len(said) + number, prompt, option)
            for place, prompt in enumerate(asked)
            for number, option in enumerate(said)
        ]
        whole = self._probabilities(rows)
        found = []
        for place, prompt in enumerate(asked):
            probabilities = exact(whole[place * len(said) : (place + 1) * len(said)], said)
            found.append(Choice(tuple(probabilities), JudgeTokens(prompt=len(prompt))))
        return found

    def write(
        self, prompts: Sequence[str], *, max_tokens: int, temperature: float, seeds: Sequence[int]
    ) -> list[Written]:
        """One paragraph each. Raises EngineError for a prompt that does not fit the context."""
        params = SamplingParams(max_tokens=max_tokens, temperature=temperature, stop=("\n",))
        requests = [
            Request(self._prompt_ids(prompt), (seed,))
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        return [
            Written(said.text, JudgeTokens(len(said.prompt_ids), len(said.token_ids)))
            for (said,) in self._engine.sample(requests, params)
        ]

    @torch.no_grad()
    def _probabilities(self, rows: Sequence[_Asked]) -> list[float]:
        """Of each row's option, whatever comes after it."""
        found = [0.0] * len(rows)
        for part in micro_batches(rows, max_tokens=self._max_tokens):
            batch = TokenBatch.collate(part).to(self._policy.device)
            logp, _ = self._policy.action_logps(self._policy.hidden_states(batch), batch)
            for row, total in zip(part, logp.sum(dim=1).tolist(), strict=True):
                found[row.place] = exp(total)
        return found

    def _prompt_ids(self, prompt: str) -> Ids:
        tokenizer = self._policy.tokenizer
        if self._form == "plain":
            return tuple(tokenizer.encode(prompt))
        text = conversation_text(tokenizer, [Message("user", prompt)], "the judge's prompt")
        return tuple(tokenizer.encode(text, add_special_tokens=False))

    def _option_ids(self, option: str) -> Ids:
        text = option.lstrip() if self._form == "chat" else option
        return tuple(self._policy.tokenizer.encode(text, add_special_tokens=False))

    def _require_room(self, prompt: Ids, num_more: int) -> None:
        context = self._policy.max_context
        if context is not None and len(prompt) + num_more > context:
            raise DataError(
                f"the judge {self._name}: a prompt has {len(prompt)} tokens, past its context of "
                f"{context}. Show fewer `examples`, allow shorter answers "
                "(`lengths.max_new_tokens`), or take another judge."
            )


def exact(probabilities: Sequence[float], options: Sequence[Ids]) -> list[float]:
    """Of each option and nothing longer: less what the options have that begin with it.

    Of several that begin with each other (1, 10, 100) the longest is settled first.
    """
    found = list(probabilities)
    order = sorted(range(len(options)), key=lambda place: len(options[place]), reverse=True)
    for place in order:
        own = options[place]
        for other in order:
            if other != place and options[other][: len(own)] == own:
                found[place] -= found[other]
    return [max(0.0, probability) for probability in found]
