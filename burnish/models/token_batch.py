"""Sequences of one padded batch as tensors. Padding is on the right; positions are explicit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from burnish.core.masking import action_mask


class TokenSequence(Protocol):
    """What `Example` and `Trajectory` share."""

    @property
    def token_ids(self) -> tuple[int, ...]: ...

    @property
    def is_action(self) -> tuple[bool, ...]: ...


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """B sequences of at most L = T + 1 tokens. Column t of a [B, T] tensor is about token t + 1.

    Attributes:
        token_ids: [B, L]; padding holds 0, which is never read.
        is_real: [B, L]; False on padding.
        action_mask: [B, T]; True where token t + 1 was produced by the policy (or is to be learnt).
        prompt_length: [B]; tokens before the first action.
        same_prompt: [B]; the first row that begins with the same prompt, often the row itself.
    """

    token_ids: Int[Tensor, "B L"]
    is_real: Bool[Tensor, "B L"]
    action_mask: Bool[Tensor, "B T"]
    prompt_length: Int[Tensor, "B"]
    same_prompt: Int[Tensor, "B"]

    @classmethod
    def collate(cls, sequences: Sequence[TokenSequence]) -> TokenBatch:
        """Pad to the longest of `sequences`."""
        length = max(len(sequence.token_ids) for sequence in sequences)
        token_ids = torch.zeros(len(sequences), length, dtype=torch.long)
        is_real = torch.zeros(len(sequences), length, dtype=torch.bool)
        is_action = torch.zeros(len(sequences), length, dtype=torch.bool)
        for row, sequence in enumerate(sequences):
            size = len(sequence.token_ids)
            token_ids[row, :size] = torch.tensor(sequence.token_ids)
            is_real[row, :size] = True
            is_action[row, :size] = torch.tensor(sequence.is_action)
        prompts = [prompt_of(sequence) for sequence in sequences]
        first_row = {prompt: row for row, prompt in reversed(list(enumerate(prompts)))}
        return cls(
            token_ids,
            is_real,
            action_mask(is_action),
            torch.tensor([len(prompt) for prompt in prompts]),
            torch.tensor([first_row[prompt] for prompt in prompts]),
        )

    @property
    def position_ids(self) -> Int[Tensor, "B L"]:
        """0, 1, 2, ... in every row: with padding on the right a token's column is its position."""
        return torch.arange(self.token_ids.shape[1], device=self.token_ids.device).expand_as(
            self.token_ids
        )

    @property
    def num_actions(self) -> int:
        """Tokens that count in a loss."""
        return int(self.action_mask.sum())

    def to(self, device: torch.device) -> TokenBatch:
        """The same batch on another device."""
        return TokenBatch(
            self.token_ids.to(device),
            self.is_real.to(device),
            self.action_mask.to(device),
            self.prompt_length.to(device),
            self.same_prompt.to(device),
        )


def prompt_of(sequence: TokenSequence) -> tuple[int, ...]:
    """The tokens before the first action."""
    return sequence.token_ids[: sequence.is_action.index(True)]
