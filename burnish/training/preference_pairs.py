"""Pairs of answers to one prompt as tokens, of which one is preferred: rows of the DPO family."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from burnish.data.rendering import Renderer
from burnish.errors import DataError
from burnish.training.row_files import read_rows, write_rows
from burnish.types import Example, Preference


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A prompt with a better and a worse answer.

    Attributes:
        problem_id: where it came from.
        prompt_ids: what both answer.
        chosen_ids, rejected_ids: the answers y_w and y_l, with EOS where they have one.
        probability: that the chosen one is better; 1 for a plain label, 0.5 for a tie.
        weight: how much the pair counts.
    """

    problem_id: str
    prompt_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    rejected_ids: tuple[int, ...]
    probability: float = 1.0
    weight: float = 1.0

    @property
    def chosen(self) -> Example:
        """The better answer behind the prompt."""
        return self._example(self.chosen_ids)

    @property
    def rejected(self) -> Example:
        """The worse answer behind the prompt."""
        return self._example(self.rejected_ids)

    @property
    def longer(self) -> Example:
        """The answer that says how wide the pair is in a batch."""
        is_first = len(self.chosen_ids) >= len(self.rejected_ids)
        return self.chosen if is_first else self.rejected

    def _example(self, answer: tuple[int, ...]) -> Example:
        is_action = (False,) * len(self.prompt_ids) + (True,) * len(answer)
        return Example(self.problem_id, self.prompt_ids + answer, is_action)


_PAIR = TypeAdapter(TokenPair)


def write_pairs(path: Path, pairs: Sequence[TokenPair]) -> None:
    """One pair a line, whole or not there."""
    write_rows(path, pairs, _PAIR)


def read_pairs(path: Path) -> list[TokenPair]:
    """What `write_pairs` wrote."""
    return read_rows(path, _PAIR)


def written_pair(preference: Preference, renderer: Renderer) -> TokenPair:
    """A preference between two texts, each closed by EOS. Raises DataError for a long prompt."""
    problem = preference.problem
    prompt = renderer.prompt_ids(problem)
    chosen, rejected = (
        renderer.imitation(problem, text).token_ids[len(prompt) :]
        for text in (preference.chosen, preference.rejected)
    )
    return TokenPair(
        problem.id, prompt, chosen, rejected, preference.probability, preference.weight
    )


def usable_pairs(pairs: Sequence[TokenPair], *, max_context: int | None) -> list[TokenPair]:
    """Those whose answers differ, in order.

    Raises DataError where none is left, for an empty answer, and for one past the model's context.
    """
    for pair in pairs:
        if not pair.chosen_ids or not pair.rejected_ids:
            raise DataError(
                f"problem {pair.problem_id!r}: one of its two answers has no tokens, so there is "
                "nothing to prefer or to avoid. Remove the pair."
            )
        size = len(pair.longer.token_ids)
        if max_context is not None and size > max_context:
            raise DataError(
                f"problem {pair.problem_id!r}: its prompt and longer answer have {size} tokens, "
                f"past the model's context of {max_context}. Shorten or remove the pair."
            )
    found = [pair for pair in pairs if pair.chosen_ids != pair.rejected_ids]
    if not found:
        raise DataError(
            f"none of {len(pairs)} pairs has two different answers, so there is nothing to learn. "
            "Look at where the pairs come from: a judge that always says the same, or samples at "
            "too low a temperature."
        )
    return found


def mismatched_pairs(pairs: Sequence[TokenPair], *, max_context: int | None) -> list[TokenPair]:
    """Each prompt with the answers of the next pair, cut where they do not fit the context.

    What KTO estimates its KL on; with a single pair nothing is mismatched.
    """
    found = []
    for pair, other in zip(pairs, [*pairs[1:], *pairs[:1]], strict=True):
        room = None if max_context is None else max_context - len(pair.prompt_ids)
        found.append(
            replace(
                pair, chosen_ids=other.chosen_ids[:room], rejected_ids=other.rejected_ids[:room]
            )
        )
    return found


def fingerprint_of(pairs: Sequence[TokenPair]) -> str:
    """What is the same for the same pairs in the same order."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(repr(pair).encode())
    return digest.hexdigest()
