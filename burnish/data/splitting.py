"""A dev split for data that have none: the last tenth of train by the order of a hash.

The hash is of the question, freed of case, spaces and punctuation, so that a question asked twice
stands on one side only, and so that neither the order of the file nor a seed decides the side.
The test split plays no part in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

from burnish.types import Problem

_NOT_WORDS = re.compile(r"[\W_]+")


def question_key(question: str) -> str:
    """SHA-256 of a question's wording: "Tom's 3 cats?" and "tom 's 3 cats ?" have the same."""
    words = _NOT_WORDS.sub("", question.casefold()) or question
    return hashlib.sha256(words.encode()).hexdigest()


def divide(
    problems: Sequence[Problem], split: Literal["train", "dev"], *, dev_share: float = 0.1
) -> list[Problem]:
    """The problems of one side, in their own order.

    `dev_share` is a share of the distinct questions; of two or more, each side has at least one.
    """
    keys = [question_key(problem.question) for problem in problems]
    ordered = sorted(set(keys))
    num_dev = min(max(1, round(dev_share * len(ordered))), len(ordered) - 1)
    dev_keys = set(ordered[len(ordered) - num_dev :])
    return [
        p for p, key in zip(problems, keys, strict=True) if (key in dev_keys) == (split == "dev")
    ]
