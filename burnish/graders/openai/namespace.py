"""What a grader can read of one sample: `item`, the row, and `sample`, what the model said.

`item` has every column of the row except those that hold the prompt or the completion, under its
own name. Where no column has that name already, `item.question` and `item.answer` are the prompt
and the gold answer, `item.id` the row's, and `item.messages` the conversation.

`sample` has `output_text`; `output_json`, where the text is JSON; `output_tools`, empty because
only text is trained; and `choices`, as in a reply of the chat completions API.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from burnish.files.json_text import require_shallow
from burnish.graders.verdicts import ErrorKind, UnreadableSampleError
from burnish.types import Completion, Json, Problem


@dataclass(frozen=True, slots=True)
class Namespace:
    """The variables of one sample. `sample` has no `output_json` where the text is none."""

    item: Mapping[str, Json]
    sample: Mapping[str, Json]

    @property
    def text(self) -> str:
        """What the model said."""
        text = self.sample["output_text"]
        assert isinstance(text, str)
        return text


def namespace_of(pair: tuple[Problem, Completion]) -> Namespace:
    """The variables of a completion of a problem."""
    problem, completion = pair
    finish_reason = "length" if completion.is_truncated else "stop"
    return Namespace(_item(problem), _sample(completion.text, finish_reason))


def _item(problem: Problem) -> dict[str, Json]:
    item: dict[str, Json] = {"id": problem.id}
    if problem.question:
        item["question"] = problem.question
    if problem.answer is not None:
        item["answer"] = problem.answer
    if problem.messages:
        item["messages"] = [{"role": m.role, "content": m.content} for m in problem.messages]
    return item | dict(problem.fields)


def _sample(text: str, finish_reason: str) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": text}
    choice: dict[str, Json] = {"index": 0, "message": message, "finish_reason": finish_reason}
    sample: dict[str, Json] = {"output_text": text, "output_tools": [], "choices": [choice]}
    with contextlib.suppress(UnreadableSampleError):
        sample["output_json"] = parsed_json(text)
    return sample


def parsed_json(text: str) -> Json:
    """The JSON that a sample is, by the standard: no NaN. Raises UnreadableSampleError."""
    try:
        found: Json = json.loads(text, parse_constant=_refuse)
        require_shallow(found)  # whether a deeper one can be written again depends on the stack
    except (ValueError, RecursionError) as error:
        raise UnreadableSampleError(
            ErrorKind.SAMPLE_PARSE, f"the sample {text!r:.80} is not JSON ({error})"
        ) from error
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
