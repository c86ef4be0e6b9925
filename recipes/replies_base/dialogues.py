"""Dialogues about replies, made of the task's own writer and its attributes.

Six kinds:

    drills        a question, and what stands in it over and over
    answers       a question, and a reply by a writer with good and bad habits
    critiques     a reply and a request: what is wrong with it by one principle, and a reply without
    comparisons   two replies and questions which is better, by a principle or as a whole
    ratings       a reply and how good it is from 1 to 10, then by each principle
    reasons       two replies, what is wrong with each of them, and which is better

Critics overlook things and revisers slip, so whoever imitates them does both.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from burnish.data.feedback.reply_value import ATTRIBUTES, gold_reward, reply_attributes
from burnish.data.feedback.reply_writing import (
    AVERAGE,
    RUDE,
    WISH,
    WORDY,
    Scene,
    WriterConfig,
    greeting,
    model_reply,
    statement,
    write_reply,
)
from burnish.methods.constitutional.constitution import Constitution
from burnish.training.judging.prompts import PairPromptConfig, ScorePromptConfig

OVERLOOKS = 0.15
"""Chance that a critic does not mention something."""
SLIPS = 0.1
"""Chance that a revision leaves as it is what a critic has mentioned."""
DRILLS = 8
"""Lookups in a drill."""
KEPT_TIES = 0.2
"""Share of the comparisons of equal replies that are learnt from, with an answer by chance."""
_PAIRS, _SCORES = PairPromptConfig(), ScorePromptConfig()
OVERALL = _PAIRS.principles[0]
CAREFUL = WriterConfig(
    states_asked=0.95,
    states_other=0.05,
    errs=0.05,
    repeats=0.02,
    greets=0.8,
    wishes=0.8,
    is_rude=0.05,
)
_WRITERS = (AVERAGE, AVERAGE, AVERAGE, WORDY, CAREFUL, CAREFUL)
_STATEMENT = re.compile(r"There are (\d+) ([a-z]+)\.")


def answer(question: str, scene: Scene, writer: WriterConfig, source: random.Random) -> str:
    """A question and a reply, as the task asks it."""
    return f"{question}\n{write_reply(scene, writer, source)}"


def drill(question: str, scene: Scene, source: random.Random) -> str:
    """A question and many lookups in it: true statements, and corrections of false ones."""
    said = []
    for _ in range(DRILLS):
        thing, amount = source.choice([*scene.amounts.items()])
        wrong = source.randint(2, 39)
        said.append(
            f"Not {wrong} {thing} but {amount}."
            if wrong != amount and source.random() < 0.5
            else statement(thing, amount)
        )
    return f"{question}\n{' '.join(said)}"


def critique_and_revision(
    question: str, scene: Scene, constitution: Constitution, source: random.Random
) -> str:
    """A critique and a revision by a principle drawn."""
    principle = source.choice(constitution.principles)
    reply = any_reply(scene, source)
    found = faults(principle.id, scene, reply)
    seen = [fault for fault in found if source.random() >= OVERLOOKS]
    done = [fault for fault in seen if source.random() >= SLIPS]
    revised = revision(principle.id, scene, reply, done)
    return (
        f"Question: {question}\nReply: {reply}\n\n"
        f"Critique request: {principle.critique_request}\nCritique:"
        f" {_spoken(principle.id, scene, seen)}\n\n"
        f"Revision request: {principle.revision_request}\nRevision: {revised}"
    )


def comparison(
    question: str, scene: Scene, constitution: Constitution, source: random.Random
) -> str:
    """Which of two replies is better by one question, and by all others that can be decided."""
    asked: list[tuple[str, int]] = []
    pair = ("", "")
    while pair[0] == pair[1] or not asked:
        pair = (any_reply(scene, source), any_reply(scene, source))
        asked = _decided(scene, pair, constitution, source)
    (first, number), *others = asked
    rest = "".join(f"\n{text} {better}" for text, better in others)
    return f"{_PAIRS.text(question, pair, first)}{_PAIRS.ending} {number}{rest}"


def rating(question: str, scene: Scene, source: random.Random) -> str:
    """How good a reply is as a whole, then by each attribute."""
    reply = any_reply(scene, source)
    attributes = reply_attributes(scene, reply)
    parts = "".join(f"\n{name}: {_of_ten(attributes[name] / 4.0)}" for name in ATTRIBUTES)
    return (
        f"{_SCORES.text(question, reply)}{_SCORES.ending} {_of_ten(gold_reward(attributes))}{parts}"
    )


def reasoned(question: str, scene: Scene, constitution: Constitution, source: random.Random) -> str:
    """What is wrong with two replies by a principle, and which is therefore better."""
    principle = source.choice(constitution.principles)
    pair = (any_reply(scene, source), any_reply(scene, source))
    thoughts = " ".join(
        f"Reply {number}: {_spoken(principle.id, scene, faults(principle.id, scene, reply))}"
        for number, reply in enumerate(pair, start=1)
    )
    values = [reply_attributes(scene, reply)[principle.id] for reply in pair]
    better = source.choice((1, 2)) if values[0] == values[1] else 1 + (values[1] > values[0])
    return (
        f"{_PAIRS.text(question, pair, principle.comparison)}{_PAIRS.reasons}"
        f" {thoughts}{_PAIRS.ending} {better}"
    )


def any_reply(scene: Scene, source: random.Random) -> str:
    """By one of several writers, some of them careful; now and then one that cannot be better."""
    if source.random() < 0.1:
        return model_reply(scene)
    return write_reply(scene, source.choice(_WRITERS), source)


def faults(attribute: str, scene: Scene, reply: str) -> list[str]:
    """What is wrong with a reply by one attribute: sentences of it, or sentences it lacks."""
    said = sentences(reply)
    stated = [(text, _STATEMENT.fullmatch(text)) for text in said]
    amounts = [(text, found[2], int(found[1])) for text, found in stated if found]
    match attribute:
        case "helpful":
            things = {thing for _, thing, _ in amounts}
            return [statement(t, scene.amounts[t]) for t in scene.asked if t not in things]
        case "honest":
            return [text for text, thing, n in amounts if scene.amounts.get(thing) != n]
        case "kind":
            rude = [RUDE] if RUDE in said else []
            return [*rude, *(text for text in (greeting(scene), WISH) if text not in said)]
        case _:
            seen: set[str] = set()
            found: list[str] = []
            for text, thing, _ in amounts:
                found += [text] if thing in seen or thing not in scene.asked else []
                seen.add(thing)
            return found


def revision(attribute: str, scene: Scene, reply: str, mended: Sequence[str]) -> str:
    """The reply without the faults that are mended."""
    said = sentences(reply)
    match attribute:
        case "helpful":
            end = len(said) - (said[-1:] == [WISH])
            said[end:end] = mended
        case "honest":
            said = [_corrected(text, scene) if text in mended else text for text in said]
        case "kind":
            said = [text for text in said if text != RUDE or RUDE not in mended]
            said = [*(greeting(scene),) * (greeting(scene) in mended), *said]
            said += [WISH] * (WISH in mended)
        case _:
            said = _without(said, mended)
    return " ".join(said)


def sentences(reply: str) -> list[str]:
    """Of a reply."""
    return [text.strip() for text in re.findall(r"[^.]+\.", reply)]


def _spoken(attribute: str, scene: Scene, found: Sequence[str]) -> str:
    """A sentence about each fault."""
    return " ".join(_about(attribute, scene, fault) for fault in found) or "Nothing."


def _about(attribute: str, scene: Scene, fault: str) -> str:
    if attribute == "kind":
        said = {RUDE: "It is rude.", WISH: "There is no wish."}
        return said.get(fault, "There is no greeting.")
    found = _STATEMENT.fullmatch(fault)
    assert found is not None
    amount, thing = found[1], found[2]
    if attribute == "helpful":
        return f"The {thing} are missing."
    if attribute == "honest":
        return f"Not {amount} {thing} but {scene.amounts[thing]}."
    said_twice, not_asked = f"The {thing} are said twice.", f"Nobody asks for the {thing}."
    return said_twice if thing in scene.asked else not_asked


def _corrected(text: str, scene: Scene) -> str:
    found = _STATEMENT.fullmatch(text)
    assert found is not None
    return statement(found[2], scene.amounts[found[2]])


def _without(said: Sequence[str], mended: Sequence[str]) -> list[str]:
    """The last of equal sentences go first."""
    left, kept = list(mended), []
    for text in reversed(said):
        if text in left and _STATEMENT.fullmatch(text):
            left.remove(text)
        else:
            kept.append(text)
    return kept[::-1] or [WISH]


def _decided(
    scene: Scene, pair: tuple[str, str], constitution: Constitution, source: random.Random
) -> list[tuple[str, int]]:
    """Questions about a pair with the number of the better reply, shuffled; few of ties."""
    attributes = [reply_attributes(scene, reply) for reply in pair]
    values = {OVERALL: [gold_reward(found) for found in attributes]}
    for principle in constitution.principles:
        values[principle.comparison] = [found[principle.id] for found in attributes]
    asked = []
    for text, (first, second) in values.items():
        if first != second:
            asked.append((text, 1 + (second > first)))
        elif source.random() < KEPT_TIES:
            asked.append((text, source.choice((1, 2))))
    source.shuffle(asked)
    return asked


def _of_ten(share: float) -> int:
    """From 1 to 10."""
    return 1 + round(9.0 * share)
