"""What became of an answer: every critique and revision of it, kept as JSON lines.

A round that failed leaves the answer as it was, says why, and is counted: nothing is dropped in
silence, and no half sentence is learnt from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from burnish.training.row_files import read_rows, write_rows

Flaw: TypeAlias = Literal[
    "empty_critique", "cut_critique", "empty_revision", "cut_revision", "empty_answer", "cut_answer"
]
"""Why a text was not used: it has no words, or ran to the limit of tokens."""
FLAWS: tuple[Flaw, ...] = (
    "empty_answer",
    "cut_answer",
    "empty_critique",
    "cut_critique",
    "empty_revision",
    "cut_revision",
)


@dataclass(frozen=True, slots=True)
class Round:
    """One critique and one revision.

    Attributes:
        principle: its id.
        critique_request, critique: what was asked and said.
        revision_request, revision: the same; the revision is empty where none was asked for.
        text: the answer after this round: the revision, or with a flaw what it was before.
        flaw: why the round has no revision to learn from, if so.
        gold: what the answer is truly worth now, where the task knows.
        num_tokens: sampled for the two texts.
    """

    principle: str
    critique_request: str
    critique: str
    revision_request: str
    revision: str
    text: str
    flaw: Flaw | None
    gold: Mapping[str, float] | None
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """An answer and its rounds.

    Attributes:
        problem_id, sample: which answer.
        question: what was asked, for people.
        answer: the first one.
        flaw: why it could not be used, if so; then there are no rounds.
        gold: as in `Round`, of the first answer.
        num_tokens: sampled for the first answer.
        rounds: in order.
    """

    problem_id: str
    sample: int
    question: str
    answer: str
    flaw: Flaw | None
    gold: Mapping[str, float] | None
    num_tokens: int
    rounds: tuple[Round, ...] = ()

    @property
    def text(self) -> str:
        """The answer as it is now."""
        return self.rounds[-1].text if self.rounds else self.answer

    def gold_after(self, number: int) -> Mapping[str, float] | None:
        """What the answer was truly worth after so many rounds, or after the last it had."""
        before = [self.gold, *(found.gold for found in self.rounds)]
        return before[min(number, len(self.rounds))]

    @property
    def revisions(self) -> list[str]:
        """Those that can be learnt from, in order."""
        return [found.revision for found in self.rounds if found.flaw is None]


_TRANSCRIPT = TypeAdapter(Transcript)


def write_transcripts(path: Path, transcripts: Sequence[Transcript]) -> None:
    """One a line, whole or not there."""
    write_rows(path, transcripts, _TRANSCRIPT)


def read_transcripts(path: Path) -> list[Transcript]:
    """What `write_transcripts` wrote."""
    return read_rows(path, _TRANSCRIPT)


def transcript_counts(transcripts: Sequence[Transcript]) -> dict[str, int]:
    """How many texts there are, and how many of them were not used, by flaw."""
    rounds = [found for transcript in transcripts for found in transcript.rounds]
    flaws = Counter(transcript.flaw for transcript in transcripts)
    flaws += Counter(found.flaw for found in rounds)
    before = [text for t in transcripts for text in (t.answer, *(r.text for r in t.rounds))[:-1]]
    same = [
        found.flaw is None and found.revision == text
        for found, text in zip(rounds, before, strict=True)
    ]
    return {
        "answers": len(transcripts),
        "critiques": len(rounds),
        "revisions": sum(found.flaw is None for found in rounds),
        "unchanged_revisions": sum(same),
        **{flaw: flaws[flaw] for flaw in FLAWS},
        "sampled_tokens": sum(t.num_tokens for t in transcripts)
        + sum(found.num_tokens for found in rounds),
    }
