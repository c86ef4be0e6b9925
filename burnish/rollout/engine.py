"""What every source of completions offers. Token ids in, token ids out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from burnish.types import Completion

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """The distribution to draw from and when to end.

    Attributes:
        max_tokens: most tokens to sample per completion.
        temperature: logits are divided by it; 0 is greedy.
        top_k: keep the k most likely tokens; 0 keeps all.
        top_p: keep the smallest set of likely tokens whose probability reaches p.
        min_p: drop tokens less likely than min_p times the most likely one.
        stop: strings that end a completion when they appear in its text.
    """

    max_tokens: int
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt and the seeds of the samples wanted for it (one completion a seed).

    A completion is a function of weights, prompt, parameters and its own seed: it does not depend
    on what else is sampled at the same time.

    Attributes:
        prompt_ids: at least one token.
        seeds: one a completion.
        max_tokens: most tokens of these completions, where that is fewer than those of the
            parameters.
    """

    prompt_ids: tuple[int, ...]
    seeds: tuple[int, ...]
    max_tokens: int | None = None

    def limit(self, params: SamplingParams) -> int:
        """Most tokens of a completion."""
        limit = params.max_tokens
        return limit if self.max_tokens is None else min(limit, self.max_tokens)


class Engine(Protocol):
    """Samples completions and follows the weights of the policy in training."""

    def sample(self, requests: Sequence[Request], params: SamplingParams) -> list[list[Completion]]:
        """Completions per request, in the order of `requests` and of their seeds.

        Raises EngineError when a prompt is empty or does not fit the model's context.
        """
        ...

    def sync(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take over the policy's weights (names as in the network's `state_dict`)."""
        ...
