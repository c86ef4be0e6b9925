"""The questions that are searched, as the models that answer a search know them: by tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from burnish.types import Problem


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked in each tree. Planting trees adds to it, while models hold on to it.

    Attributes:
        problems: by the id of their tree.
        prompts: the tokens of their prompts, by the same.
    """

    problems: dict[str, Problem] = field(default_factory=dict)
    prompts: dict[str, tuple[int, ...]] = field(default_factory=dict)
