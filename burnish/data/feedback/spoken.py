"""Words of simulated people about a reply: one sentence on the whole, often one on a part of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

_OVERALL: Sequence[Sequence[str]] = (
    ("Useless.", "A bad reply.", "I learnt nothing from this."),
    ("Weak.", "Not good.", "I expected more."),
    ("Acceptable.", "Average.", "It will do."),
    ("Good.", "A solid reply.", "I am content with it."),
    ("Excellent.", "A perfect reply.", "Just what I wanted."),
)
"""From the worst to the best fifth."""
_LOW = 1.5
_HIGH = 3.5
_PARTS: Mapping[str, tuple[str, str]] = {
    "helpful": ("It leaves out what I asked for.", "It tells me all that I asked for."),
    "honest": ("The numbers are wrong.", "The numbers are right."),
    "kind": ("It is rude.", "It is friendly."),
    "brief": ("It is far too long.", "It is short."),
}
_SAYS_PART = 0.7


def comment_on(liking: float, attributes: Mapping[str, float], source: random.Random) -> str:
    """A comment by someone whose liking of the reply is a number from 0 to 1.

    Args:
        liking: of the whole; beyond the ends it counts as the end.
        attributes: from 0 to 4; one that is low or high may be mentioned.
        source: of the choice of words.
    """
    fifth = min(len(_OVERALL) - 1, max(0, int(liking * len(_OVERALL))))
    whole = source.choice(_OVERALL[fifth])
    remarks = [_PARTS[name][0] for name, value in attributes.items() if value <= _LOW]
    remarks += [_PARTS[name][1] for name, value in attributes.items() if value >= _HIGH]
    if not remarks or source.random() >= _SAYS_PART:
        return whole
    return f"{whole} {source.choice(remarks)}"
