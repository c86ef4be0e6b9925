"""Rows of two or more answers to one prompt, and which of them is better.

    {"prompt": "...", "chosen": "...", "rejected": "..."}             TRL preference
    {"chosen": "The sky is blue.", "rejected": "The sky is red."}     the same, implicit prompt
    {"prompt": [...], "chosen": [...], "rejected": [...]}             TRL conversational
    {"chosen": [..., {"role": "assistant"}], "rejected": [...]}       the same, implicit prompt
    {"chosen": "\\n\\nHuman: ...", "rejected": "\\n\\nHuman: ..."}        hh dialogues
    {"input": {"messages": [...]}, "preferred_output": [...],
     "non_preferred_output": [...]}                                    OpenAI preference
    {"prompt": "...", "response_1": "...", "response_2": "...",
     "preference_strength": -2}                                        HelpSteer preference
    {"prompt": "...", "responses": ["...", "..."], "ranks": [1, 2]}   rankings; equal ranks: a tie

Beside them a row may have `margin` or `strength` (by how much), or `score_chosen` and
`score_rejected`; `probability` (a soft label, 0.5 for a tie); `weight`; `source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, takewhile

from burnish.data.feedback.dialogue import (
    Answered,
    Form,
    Prompt,
    answer_in,
    answer_text,
    chat_answered,
    hh_answered,
    problem_of,
    prompt_in,
)
from burnish.data.feedback.kinds import Fault, FaultyRowError
from burnish.data.feedback.provenance import number_in, provenance_of
from burnish.data.jsonl import Row, json_type
from burnish.errors import DataError
from burnish.types import Message, Preference

_STRONGEST = 3


def trl_pair(row: Row, form: Form) -> list[Preference]:
    """A prompt of its own and two answers."""
    if isinstance(row.columns.get("chosen"), list):
        return _dialogue_pair(
            row, chat_answered(row, "chosen"), chat_answered(row, "rejected"), form
        )
    prompt = prompt_in(row, "prompt")
    return [_preference(row, prompt, answer_in(row, "chosen"), answer_in(row, "rejected"), form)]


def implicit_pair(row: Row, form: Form) -> list[Preference]:
    """Two texts that begin with the same words: those are the prompt."""
    if isinstance(row.columns.get("chosen"), list):
        return trl_pair(row, form)
    chosen, rejected = answer_in(row, "chosen"), answer_in(row, "rejected")
    if chosen == rejected:
        raise _identical(row)
    shared = _shared_beginning(chosen, rejected)
    prompt = shared[: max(0, shared.rfind(" "))]  # no word is cut in two
    if not prompt.strip():
        raise FaultyRowError(
            Fault.PROMPTS_DIFFER,
            f'{row.where}: "chosen" and "rejected" do not begin with the same words, and there is'
            ' no column "prompt", so what was asked is not known. Add the prompt as a column.',
        )
    return [_preference(row, prompt, chosen[len(prompt) :], rejected[len(prompt) :], form)]


def hh_pair(row: Row, form: Form) -> list[Preference]:
    """Two dialogues that differ in the last turn."""
    return _dialogue_pair(row, hh_answered(row, "chosen"), hh_answered(row, "rejected"), form)


def openai_pair(row: Row, form: Form) -> list[Preference]:
    """A row of OpenAI's preference fine-tuning."""
    asked = row.columns["input"]
    if not isinstance(asked, dict):
        raise DataError(
            f'{row.where}: "input" is {json_type(asked)}; expected an object with "messages"'
        )
    if asked.get("tools"):
        raise DataError(f'{row.where}: "tools" is not empty; only answers of text can be judged')
    prompt = prompt_in(Row(row.source, row.number, {"messages": [], **asked}), "messages")
    chosen = answer_in(row, "preferred_output")
    return [_preference(row, prompt, chosen, answer_in(row, "non_preferred_output"), form)]


def helpsteer_pair(row: Row, form: Form) -> list[Preference]:
    """`preference_strength` from -3 (response_1 is far better) to 3 (response_2 is); 0: a tie."""
    strength = number_in(row, "preference_strength")
    if strength is None or strength != int(strength) or abs(strength) > _STRONGEST:
        raise FaultyRowError(
            Fault.OUT_OF_SCALE,
            f'{row.where}: "preference_strength" is {strength}; expected a whole number from'
            f" -{_STRONGEST} (response_1 is far better) to {_STRONGEST} (response_2 is)",
        )
    texts = answer_in(row, "response_1"), answer_in(row, "response_2")
    chosen, rejected = texts if strength <= 0 else texts[::-1]
    prompt = prompt_in(row, "prompt")
    found = _preference(row, prompt, chosen, rejected, form)
    return [
        Preference(
            found.problem,
            found.chosen,
            found.rejected,
            probability=1.0 if strength else 0.5,
            strength=float(abs(strength)),
            source=found.source,
            weight=found.weight,
        )
    ]


def ranking(row: Row, form: Form) -> list[Preference]:
    """All pairs of the answers of a ranking; rank 1 is the best."""
    texts, ranks = row.columns["responses"], row.columns["ranks"]
    if not isinstance(texts, list) or not isinstance(ranks, list) or len(texts) != len(ranks):
        raise DataError(f'{row.where}: "responses" and "ranks" must be lists of one length')
    answers = [
        answer_in(Row(row.source, row.number, {f"responses[{i}]": text}), f"responses[{i}]")
        for i, text in enumerate(texts)
    ]
    for rank in ranks:
        if isinstance(rank, bool) or not isinstance(rank, int):
            raise DataError(f"{row.where}: a rank is {json_type(rank)}; expected 1 for the best")
    order = [rank for rank in ranks if isinstance(rank, int)]
    return ranked_pairs(row, prompt_in(row, "prompt"), answers, order, form)


def ranked_pairs(
    row: Row, prompt: Prompt, answers: Sequence[str], ranks: Sequence[int], form: Form
) -> list[Preference]:
    """The pairs of a ranking; equal ranks are ties. Raises DataError for equal answers."""
    if len(answers) < 2:
        raise DataError(f"{row.where}: a ranking has at least two answers; this one {len(answers)}")
    if len(set(answers)) < len(answers):
        raise _identical(row)
    problem, (source, weight) = problem_of(prompt, form), provenance_of(row)
    found = []
    for first, second in combinations(range(len(answers)), 2):
        better, worse = sorted((first, second), key=lambda place: ranks[place])
        gap = ranks[worse] - ranks[better]
        found.append(
            Preference(
                problem,
                answer_text(prompt, answers[better], form),
                answer_text(prompt, answers[worse], form),
                probability=1.0 if gap else 0.5,
                strength=float(gap),
                ranking=f"{row.where}" if len(answers) > 2 else None,
                source=source,
                weight=weight,
            )
        )
    return found


def _shared_beginning(first: str, second: str) -> str:
    same = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    )
    return first[:same]


def _dialogue_pair(row: Row, chosen: Answered, rejected: Answered, form: Form) -> list[Preference]:
    """Two conversations that must be the same up to the answers, and up to the row's own prompt."""
    before = [turns for turns in (chosen.prompt, rejected.prompt) if turns]
    if "prompt" in row.columns:
        own = prompt_in(row, "prompt")
        before.append((Message("user", own),) if isinstance(own, str) else own)
    if not before:
        raise DataError(f"{row.where}: there is no prompt; expected messages before the answers")
    if any(turns != before[0] for turns in before) or (
        bool(chosen.prompt) != bool(rejected.prompt)
    ):
        raise FaultyRowError(
            Fault.PROMPTS_DIFFER,
            f"{row.where}: the two answers follow different prompts, so they cannot be compared."
            " Both columns must be the same up to the last message.",
        )
    return [_preference(row, before[0], chosen.text, rejected.text, form)]


def _preference(row: Row, prompt: Prompt, chosen: str, rejected: str, form: Form) -> Preference:
    if chosen.strip() == rejected.strip():
        raise _identical(row)
    source, weight = provenance_of(row)
    probability = number_in(row, "probability")
    if probability is not None and not 0.0 <= probability <= 1.0:
        raise FaultyRowError(
            Fault.OUT_OF_SCALE,
            f'{row.where}: "probability" is {probability:g}; expected the chance, from 0 to 1, that'
            " the chosen answer is better (0.5 for a tie)",
        )
    if probability is not None and probability < 0.5:
        chosen, rejected, probability = rejected, chosen, 1.0 - probability
    return Preference(
        problem_of(prompt, form),
        answer_text(prompt, chosen, form),
        answer_text(prompt, rejected, form),
        probability=1.0 if probability is None else probability,
        strength=_strength(row),
        source=source,
        weight=weight,
    )


def _strength(row: Row) -> float | None:
    """By how much the chosen answer is better, where the row says so; never less than nothing."""
    found = number_in(row, "strength")
    found = number_in(row, "margin") if found is None else found
    scores = number_in(row, "score_chosen"), number_in(row, "score_rejected")
    if found is None and scores[0] is not None and scores[1] is not None:
        found = scores[0] - scores[1]
    if found is not None and found < 0:
        raise FaultyRowError(
            Fault.OUT_OF_SCALE,
            f"{row.where}: by its own numbers the chosen answer is the worse one (by {-found:g})."
            " Swap the two answers.",
        )
    return found


def _identical(row: Row) -> FaultyRowError:
    return FaultyRowError(
        Fault.IDENTICAL,
        f"{row.where}: the answers that are compared are the same text, so there is nothing to"
        " prefer. Remove the row, or set `task.bad_rows: skip` to leave such rows out and count"
        " them.",
    )
