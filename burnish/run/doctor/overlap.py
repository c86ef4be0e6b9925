"""No question of one split stands in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from burnish.data.splitting import question_key
from burnish.run.doctor.check import Check, Finding, judged
from burnish.types import Problem

OVERLAP = "train, dev and test share no question"


def check_overlap(problems: Mapping[str, Sequence[Problem]]) -> Check:
    """Wording without case, spaces and punctuation is compared, of all turns of a conversation."""
    wordings = {
        split: {question_key(_wording(problem)): problem for problem in rows}
        for split, rows in problems.items()
    }
    shared = {(a, b): wordings[a].keys() & wordings[b].keys() for a, b in combinations(wordings, 2)}
    numbers = {f"{a} and {b}": len(keys) for (a, b), keys in shared.items()}
    if not any(numbers.values()):
        sizes = ", ".join(f"{len(rows)} {split}" for split, rows in problems.items())
        return judged(OVERLAP, None, seen=f"{sizes} rows", numbers=numbers)
    (_, second), keys = next((pair, keys) for pair, keys in shared.items() if keys)
    example = wordings[second][min(keys)]
    counted = ", ".join(f"{count} in {name}" for name, count in numbers.items() if count)
    found = Finding(
        f"the same questions stand in two splits: {counted}, such as {example.id!r} of {second} "
        f"({example.question[:80]!r}). What is known by heart looks as if it had been learnt.",
        "Remove them from the split that is trained on.",
    )
    return judged(OVERLAP, found, seen="", numbers=numbers)


def _wording(problem: Problem) -> str:
    turns = "\n".join(message.content for message in problem.messages)
    return turns or problem.question
