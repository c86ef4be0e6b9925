"""One template for training and sampling, and the texts that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from burnish.run.doctor.check import Check, Finding, judged, skipped
from burnish.types import Example, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEMPLATE = "training and sampling use one template"
ROUND_TRIP = "texts survive the tokenizer"


class Rendering(Protocol):
    """What `Renderer` offers."""

    def prompt_ids(self, problem: Problem) -> tuple[int, ...]:
        """What is sampled from."""
        ...

    def example(self, problem: Problem) -> Example:
        """What is trained on."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as text: runs of tokens that are learnt, or are not.

    Attributes:
        problem_id: where it came from.
        runs: text, and whether it is to be learnt.
    """

    problem_id: str
    runs: tuple[tuple[str, bool], ...]


def check_template(
    renderer: Rendering, problems: Sequence[Problem], tokenizer: PreTrainedTokenizerBase
) -> Check:
    """What is trained on begins with what is sampled from; exactly the rest is learnt."""
    if not problems:
        return skipped(TEMPLATE, "no row has an annotated answer to imitate")
    for problem in problems:
        fault = _fault(renderer.prompt_ids(problem), renderer.example(problem), tokenizer)
        if fault is not None:
            advice = "One template must serve both: give `model.chat_template` or mend the task."
            found = Finding(f"problem {problem.id!r}: {fault}", advice)
            return judged(TEMPLATE, found, seen="", stops_training=True)
    return judged(TEMPLATE, None, seen=f"the same prompt tokens in {len(problems)} examples")


def check_round_trip(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Check:
    """Decoding the tokens of a text gives it back, but for white space at its ends."""
    if not texts:
        return skipped(ROUND_TRIP, "no row has an annotated answer to imitate")
    changed = [text for text in texts if _again(tokenizer, text) != text.strip()]
    if not changed:
        return judged(ROUND_TRIP, None, seen=f"{len(texts)} texts come back as they were")
    first = changed[0]
    found = Finding(
        f"{len(changed)} of {len(texts)} texts change: {first[:60]!r} comes back as "
        f"{_again(tokenizer, first)[:60]!r}. The model would learn, and graders would read, "
        "something else than the rows say.",
        "Use a tokenizer that knows these characters, or remove them from the rows.",
    )
    return judged(ROUND_TRIP, found, seen="", numbers={"changed": len(changed)})


def shown(example: Example, tokenizer: PreTrainedTokenizerBase) -> Shown:
    """The example's text in runs that are learnt or not."""
    runs: list[tuple[str, bool]] = []
    start = 0
    for stop in range(1, len(example.token_ids) + 1):
        is_end = stop == len(example.token_ids)
        if is_end or example.is_action[stop] != example.is_action[start]:
            text = str(tokenizer.decode(list(example.token_ids[start:stop])))
            runs.append((text, example.is_action[start]))
            start = stop
    return Shown(example.problem_id, tuple(runs))


def _fault(
    prompt: tuple[int, ...], example: Example, tokenizer: PreTrainedTokenizerBase
) -> str | None:
    size = len(prompt)
    place = next(
        (i for i, (a, b) in enumerate(zip(prompt, example.token_ids, strict=False)) if a != b),
        None,
    )
    if place is not None:
        sampled, trained = (
            tokenizer.decode(list(ids[max(0, place - 4) : place + 4]))
            for ids in (prompt, example.token_ids)
        )
        return (
            f"the prompt that is sampled from has {sampled!r} where the one that is trained on has "
            f"{trained!r} (token {place}), so the model is asked something it has not learnt"
        )
    if example.is_action[:size] != (False,) * size:
        return "tokens of its prompt are marked as to be learnt"
    if not all(example.is_action[size:]) or len(example.token_ids) == size:
        return "some tokens of its answer are not marked as to be learnt"
    return None


def _again(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    ids = tokenizer.encode(text, add_special_tokens=False)
    return str(tokenizer.decode(ids, clean_up_tokenization_spaces=False)).strip()
