"""Second attempts to imitate: which of a model's own are kept, and how they are learnt.

D holds those that put a wrong first attempt right; D+ also those that keep a right one right
(section 3 of arXiv:2409.12917).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from burnish.errors import DataError
from burnish.training.attempt_data import SampledChain
from burnish.training.row_files import read_rows, write_rows
from burnish.types import Example

Kept: TypeAlias = Literal["improved", "improved_and_right"]
"""Which revisions are imitated: the paper's D, or its D+."""
RevisionKind: TypeAlias = Literal["wrong_to_right", "right_to_right"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A right second attempt with everything it follows.

    Attributes:
        problem_id: what both attempts answer.
        kind: what the first attempt was.
        first, second: the attempts as text, for people.
        context_ids: prompt, first attempt as it was sampled, and instruction.
        target_ids: the second attempt as it was sampled.
    """

    problem_id: str
    kind: RevisionKind
    first: str
    second: str
    context_ids: tuple[int, ...]
    target_ids: tuple[int, ...]

    def example(self) -> Example:
        """To be learnt are the second attempt's tokens, its EOS among them, and no others."""
        return Example(
            problem_id=self.problem_id,
            token_ids=self.context_ids + self.target_ids,
            is_action=(False,) * len(self.context_ids) + (True,) * len(self.target_ids),
        )


_REVISION = TypeAdapter(Revision)
_COUNTS = TypeAdapter(dict[str, int])


def wanted_kinds(keep: Kept) -> tuple[RevisionKind, ...]:
    """D or D+."""
    if keep == "improved":
        return ("wrong_to_right",)
    return ("wrong_to_right", "right_to_right")


def revision_of(chain: SampledChain) -> Revision | None:
    """The first two attempts of a chain as a revision; None where the second is wrong."""
    first, second = chain.turns[0], chain.turns[1]
    if not second.score.is_correct:
        return None
    return Revision(
        problem_id=chain.problem_id,
        kind="right_to_right" if first.score.is_correct else "wrong_to_right",
        first=first.text,
        second=second.text,
        context_ids=chain.token_ids[: second.start],
        target_ids=chain.token_ids[second.start : second.stop],
    )


def kept_revisions(chains: Sequence[SampledChain], keep: Kept) -> list[Revision]:
    """D or D+ of two-turn chains, in their order; what was sampled twice is kept twice."""
    kinds = wanted_kinds(keep)
    found = [revision_of(chain) for chain in chains]
    return [revision for revision in found if revision is not None and revision.kind in kinds]


def keep_revisions(
    folder: Path, chains: Sequence[SampledChain], revisions: Sequence[Revision]
) -> None:
    """Leave `kept.jsonl` and `counts.json` in the folder of the stage that sampled `chains`.

    Raises DataError where nothing is kept: a model that imitates nothing is the one before it, and
    its numbers would not be the method's.
    """
    write_rows(folder / "kept.jsonl", revisions, _REVISION)
    write_rows(folder / "counts.json", [_counts(chains, revisions)], _COUNTS)
    if not revisions:
        courses = Counter(_course(chain) for chain in chains)
        found = ", ".join(f"{course.replace('_', ' ')} {courses[course]}" for course in courses)
        raise DataError(
            f"{folder}: of {len(chains)} samples none is a second attempt to imitate ({found or 0}"
            "), so there is nothing to train on; chains.jsonl has them all. Sample more problems "
            "or more of each (`sample.num_problems`, `sample.samples_per_problem`), at a higher "
            "`sample.temperature`, or take `keep: improved_and_right` where attempts are right."
        )


def read_revisions(folder: Path) -> list[Revision]:
    """What the stage in `folder` has kept."""
    return read_rows(folder / "kept.jsonl", _REVISION)


def read_counts(folder: Path) -> dict[str, int] | None:
    """What the stage in `folder` has counted; None where it is no stage that samples."""
    path = folder / "counts.json"
    return read_rows(path, _COUNTS)[0] if path.exists() else None


def _counts(chains: Sequence[SampledChain], revisions: Sequence[Revision]) -> dict[str, int]:
    courses = Counter(_course(chain) for chain in chains)
    kinds = Counter(revision.kind for revision in revisions)
    return {
        "chains": len(chains),
        **{f"chains_{course}": courses[course] for course in sorted(courses)},
        "sampled_tokens": sum(t.stop - t.start for chain in chains for t in chain.turns),
        "kept": len(revisions),
        "kept_wrong_to_right": kinds["wrong_to_right"],
        "kept_right_to_right": kinds["right_to_right"],
        "kept_copies": sum(revision.first == revision.second for revision in revisions),
        "kept_problems": len({revision.problem_id for revision in revisions}),
        "context_tokens": sum(len(revision.context_ids) for revision in revisions),
        "target_tokens": sum(len(revision.target_ids) for revision in revisions),
    }


def _course(chain: SampledChain) -> str:
    """`wrong_then_right` and the like; of one attempt, `wrong` or `right`."""
    return "_then_".join("right" if t.score.is_correct else "wrong" for t in chain.turns)
