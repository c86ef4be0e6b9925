"""Which samples are imitated: right answers, at most so many of one problem.

So easy problems do not crowd out hard ones.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from burnish.errors import DataError
from burnish.training.row_files import read_rows, write_rows
from burnish.training.samples import GradedSample, samples_by_problem
from burnish.types import StopReason

Repeats: TypeAlias = Literal["kept", "left_out", "same_calculation_left_out"]
"""What becomes of a right sample that equals an earlier one of its problem, token by token; or that
calculates the same (`calculation_of`)."""

_NUMBER = r"\(*-?\$?\d(?:[\d,]*\d)?(?:\.\d+)?%?\)*"
_EQUATION = re.compile(rf"{_NUMBER}(?:\s*[-+*/x^]\s*{_NUMBER})+\s*=\s*{_NUMBER}")

_SAMPLE = TypeAdapter(GradedSample)
_COUNTS = TypeAdapter(dict[str, int])


def right_samples(
    samples: Sequence[GradedSample], *, max_per_problem: int | None, repeats: Repeats
) -> list[GradedSample]:
    """The first `max_per_problem` right samples of each problem, in the order they were drawn.

    None: all of them. Samples of a problem are drawn independently, so the first ones are as good a
    choice as any.
    """
    kept: list[GradedSample] = []
    for drawn in samples_by_problem(samples).values():
        right = [sample for sample in drawn if sample.score.is_correct]
        if repeats == "left_out":
            right = _first_of_each(right, [sample.token_ids for sample in right])
        elif repeats == "same_calculation_left_out":
            right = _first_of_each(right, [calculation_of(sample.text) for sample in right])
        kept += right[:max_per_problem]
    return kept


def _first_of_each(samples: Sequence[GradedSample], keys: Sequence[Hashable]) -> list[GradedSample]:
    found: dict[Hashable, GradedSample] = {}
    for key, sample in zip(keys, samples, strict=True):
        found.setdefault(key, sample)
    return list(found.values())


def calculation_of(text: str) -> tuple[str, ...]:
    """The equations of a solution in their order, without spaces: what tells two derivations apart.

    As in rejection-sampling fine-tuning (Yuan et al. 2023, arXiv:2308.01825). A text without any,
    such as a program, stands for itself.
    """
    found = tuple(re.sub(r"\s", "", match) for match in _EQUATION.findall(text))
    return found or (text,)


def keep_samples(
    folder: Path, samples: Sequence[GradedSample], kept: Sequence[GradedSample], *, num_asked: int
) -> None:
    """Leave `kept.jsonl` and `counts.json` in the folder of the stage that drew `samples`.

    Args:
        num_asked: problems that the stage was to ask.

    Raises DataError where nothing is kept: a model that imitates nothing is the base model, and its
    numbers would not be the method's.
    """
    write_rows(folder / "kept.jsonl", kept, _SAMPLE)
    write_rows(folder / "counts.json", [sample_counts(samples, kept, num_asked=num_asked)], _COUNTS)
    if not kept:
        cut = sum(sample.stop_reason is StopReason.LENGTH for sample in samples)
        raise DataError(
            f"{folder}: of {len(samples)} samples none is right ({cut} reached the token limit), "
            "so there is nothing to train on; samples.jsonl has them all. Sample more "
            "(`sample.samples_per_problem`), warm the model up first (`warm_up`), raise "
            "`lengths.max_new_tokens` where samples were cut off, or look at what the grader says "
            "of them (burnish grade)."
        )


def read_kept(folder: Path) -> list[GradedSample]:
    """What the stage in `folder` has kept."""
    return read_rows(folder / "kept.jsonl", _SAMPLE)


def sample_counts(
    samples: Sequence[GradedSample], kept: Sequence[GradedSample], *, num_asked: int
) -> dict[str, int]:
    """How much was drawn, how much of it was right, and how much is imitated.

    `covered` are problems with a right sample; a budget of tokens may end before each is asked.
    """
    return {
        "problems": num_asked,
        "asked": len({sample.problem_id for sample in samples}),
        "covered": len({sample.problem_id for sample in samples if sample.score.is_correct}),
        "samples": len(samples),
        "right": sum(sample.score.is_correct for sample in samples),
        "sampled_tokens": sum(len(sample.token_ids) for sample in samples),
        "kept": len(kept),
        "kept_distinct": len({(sample.problem_id, sample.token_ids) for sample in kept}),
        "target_tokens": sum(len(sample.token_ids) for sample in kept),
    }
