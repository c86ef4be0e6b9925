"""Answers with their critiques and revisions, round by round, as Constitutional AI leaves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burnish.report.run_files import Row, as_number
from burnish.report.text_diff import Piece, TextDiff, text_diff
from burnish.report.wording import compact, label

_SHOWN = {"test": 16, "train": 8}
_NAMES = {"test": "Held-out problems", "train": "Training problems"}
_SHOWN_FLAWED = 4
FLAWS = {
    "empty_answer": "the answer has no words, so it is not revised",
    "cut_answer": "the answer ran to the token limit, so it is not revised",
    "empty_critique": "the critique has no words, so the answer stays",
    "cut_critique": "the critique ran to the token limit, so the answer stays",
    "empty_revision": "the revision has no words, so the answer stays",
    "cut_revision": "the revision ran to the token limit, so the answer stays",
}


@dataclass(frozen=True, slots=True)
class RevisionStep:
    """One round.

    Attributes:
        number: from 1.
        principle: whose request it was.
        request, critique: what was asked, and what was found wrong.
        revision_request: what was asked then.
        pieces: the answer before and after in one text; none where no revision was used.
        is_same: a revision was used, and it changes nothing.
        flaw: why none was used, in words.
        reward: what the answer is truly worth now, where it is known.
    """

    number: int
    principle: str
    request: str
    critique: str
    revision_request: str
    pieces: tuple[Piece, ...]
    is_same: bool
    flaw: str
    reward: str


@dataclass(frozen=True, slots=True)
class RevisedAnswer:
    """One answer; `rewards` of it and its revisions in order, where they are known."""

    problem_id: str
    question: str
    answer: str
    flaw: str
    rewards: tuple[str, ...]
    steps: tuple[RevisionStep, ...]

    @property
    def is_flawed(self) -> bool:
        """Whether anything could not be used."""
        return bool(self.flaw) or any(step.flaw for step in self.steps)


@dataclass(frozen=True, slots=True)
class TranscriptSplit:
    """Those of some problems: how many there are, which are shown, and what could not be used."""

    name: str
    total: int
    shown: tuple[RevisedAnswer, ...]
    counts: tuple[tuple[int, str], ...]


def transcript_splits(transcripts: Mapping[str, Sequence[Row]]) -> list[TranscriptSplit]:
    """Held-out problems first; nothing for runs without critiques."""
    found = []
    for split, most in _SHOWN.items():
        rows = transcripts.get(split, ())
        if rows:
            answers = [_answer(row) for row in rows]
            flawed = [answer for answer in answers[most:] if answer.is_flawed][:_SHOWN_FLAWED]
            shown = (*answers[:most], *flawed)
            found.append(TranscriptSplit(_NAMES[split], len(rows), shown, _counts(rows)))
    return found


def _answer(row: Row) -> RevisedAnswer:
    before = str(row.get("answer", ""))
    rewards = [_reward(row)]
    steps = []
    for number, found in enumerate(_rounds(row), start=1):
        step = _step(number, before, found)
        before = str(found.get("text", before))
        rewards.append(step.reward)
        steps.append(step)
    return RevisedAnswer(
        problem_id=str(row.get("problem_id", "")),
        question=str(row.get("question", "")),
        answer=str(row.get("answer", "")),
        flaw=FLAWS.get(str(row.get("flaw")), ""),
        rewards=tuple(reward for reward in rewards if reward),
        steps=tuple(steps),
    )


def _step(number: int, before: str, found: Row) -> RevisionStep:
    flaw = FLAWS.get(str(found.get("flaw")), "")
    diff = text_diff(before, str(found.get("revision", "")))
    return RevisionStep(
        number=number,
        principle=label(str(found.get("principle", ""))),
        request=str(found.get("critique_request", "")),
        critique=str(found.get("critique", "")),
        revision_request=str(found.get("revision_request", "")),
        pieces=() if flaw else tuple(change(diff)),
        is_same=diff.is_same and not flaw,
        flaw=flaw,
        reward=_reward(found),
    )


def change(diff: TextDiff) -> list[Piece]:
    """Both texts in one: what was removed and added stands where it happened."""
    before, after = [*diff.before], [*diff.after]
    found: list[Piece] = []
    while before or after:
        if before and before[0].mark == "removed":
            found.append(before.pop(0))
        elif after and after[0].mark == "added":
            found.append(after.pop(0))
        else:  # what is kept is one text, cut in two ways
            size = min(len(before[0].text), len(after[0].text))
            found.append(Piece("kept", before[0].text[:size]))
            _drop(before, size)
            _drop(after, size)
    return found


def _drop(pieces: list[Piece], size: int) -> None:
    """The first characters."""
    rest = pieces[0].text[size:]
    pieces[:1] = [Piece("kept", rest)] if rest else []


def _rounds(row: Row) -> list[Row]:
    rounds = row.get("rounds")
    return [r for r in rounds if isinstance(r, Mapping)] if isinstance(rounds, list) else []


def _reward(row: Row) -> str:
    gold = row.get("gold")
    value = as_number(gold.get("reward")) if isinstance(gold, Mapping) else None
    return "" if value is None else compact(value)


def _counts(rows: Sequence[Row]) -> tuple[tuple[int, str], ...]:
    """How often what could not be used."""
    flaws = [str(part.get("flaw")) for row in rows for part in (row, *_rounds(row))]
    return tuple((flaws.count(flaw), words) for flaw, words in FLAWS.items() if flaw in flaws)
