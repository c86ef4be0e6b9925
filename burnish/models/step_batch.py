"""Solutions as one batch of tokens with the places at which their values are read.

The value of a step is read at the last token of the step: the state in which the next step would
begin. The model is causal, so one pass over a whole solution gives the values of all its steps.

    <bos> Question: ... | 12 + 7 = 19. | 19 * 2 = 38. | <eos>
                                     ^              ^

EOS at the end is left out, in training as in search: a value says how good a text is, whether or
not it was closed, and rows of people's labels do not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from burnish.models.token_batch import TokenBatch
from burnish.types import SteppedTokens


@dataclass(frozen=True, slots=True)
class ValueReading:
    """A sequence of tokens and where its values are read.

    Attributes:
        token_ids: prompt, steps, and one token more that stands for whatever comes next; nothing
            reads it.
        shared: tokens at the beginning that other rows of the batch may have as well; they are
            computed once for all of them.
        columns: positions of the tokens whose states are read, none before `shared - 1`.
    """

    token_ids: tuple[int, ...]
    shared: int
    columns: tuple[int, ...]

    @property
    def is_action(self) -> tuple[bool, ...]:
        """False for what is shared, as in `TokenSequence`."""
        return (False,) * self.shared + (True,) * (len(self.token_ids) - self.shared)


def reading_of_steps(solution: SteppedTokens, *, eos_id: int) -> ValueReading:
    """Where the value of every step is read. The prompt is what other solutions share."""
    token_ids = _without_eos(solution, eos_id)
    columns = tuple(min(end, len(token_ids)) - 1 for end in solution.step_ends)
    return ValueReading((*token_ids, eos_id), len(solution.prompt_ids), columns)


def reading_of_prefix(prefix: SteppedTokens, *, eos_id: int) -> ValueReading:
    """Where the value of the last step alone is read, of the question where there are no steps.

    All earlier steps are what other prefixes (the siblings in a search tree) share.
    """
    token_ids = _without_eos(prefix, eos_id)
    before = (len(prefix.prompt_ids), *prefix.step_ends)[:-1] or (len(prefix.prompt_ids),)
    return ValueReading((*token_ids, eos_id), before[-1], (len(token_ids) - 1,))


def _without_eos(steps: SteppedTokens, eos_id: int) -> tuple[int, ...]:
    assert steps.prompt_ids, "a state needs a token"
    token_ids = steps.token_ids
    is_closed = bool(steps.step_ids) and token_ids[-1] == eos_id
    return token_ids[:-1] if is_closed else token_ids


@dataclass(frozen=True, slots=True)
class StepBatch:
    """B sequences and N places in them.

    Attributes:
        tokens: the sequences.
        row: [N]; whose value is read.
        column: [N]; at which of its tokens.
    """

    tokens: TokenBatch
    row: Int[Tensor, "N"]
    column: Int[Tensor, "N"]

    @classmethod
    def collate(cls, readings: Sequence[ValueReading]) -> StepBatch:
        """All places of the first sequence, then all of the second, and so on."""
        places = [(row, c) for row, reading in enumerate(readings) for c in reading.columns]
        rows, columns = zip(*places, strict=True)
        return cls(TokenBatch.collate(readings), torch.tensor(rows), torch.tensor(columns))

    def to(self, device: torch.device) -> StepBatch:
        """The same batch on another device."""
        return StepBatch(self.tokens.to(device), self.row.to(device), self.column.to(device))
