"""What is fuzzed: every parser of files that a user names and of texts that a model wrote.

A target takes bytes. A BurnishError with one short paragraph is an answer; whatever else it raises
is a bug. So is a grader's failure of the kind `exception`.
"""

from __future__ import annotations

import contextlib
import tempfile
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from burnish.data.feedback.kinds import FeedbackKind
from burnish.data.items import item_of, read_item, read_samples
from burnish.data.tasks.feedback_rows import FeedbackRowsTask
from burnish.data.tasks.rows import RowsTask
from burnish.errors import BurnishError
from burnish.graders.code_text import program_in
from burnish.graders.grader import Grader
from burnish.graders.grader_file import load_grader_config
from burnish.graders.math_answer import answer_in, as_number, as_plain_text, without_name
from burnish.graders.model_client.api import reply_in
from burnish.graders.model_client.chat import ChatReply
from burnish.graders.multiple_choice import MultipleChoiceConfig
from burnish.graders.numeric import NumericConfig
from burnish.graders.openai.formula import parse_formula
from burnish.graders.openai.model_grader import result_in
from burnish.graders.openai.namespace import namespace_of
from burnish.graders.openai.string_check import StringCheckConfig
from burnish.graders.openai.template import parse_template
from burnish.graders.quantity import QuantityConfig
from burnish.graders.verdicts import UngradableError
from burnish.types import Completion, GraderFailure, Json, Problem, StopReason

Target = Callable[[bytes], None]
MOST_CHARS = 5000
"""Of a message; a megabyte of the user's row must not be in it."""


def rows(data: bytes) -> None:
    """Rows to learn from, in any format."""
    with _file("rows.jsonl", data) as path:
        for require_answer in (True, False):
            with _explained(path.name, "problem"):
                task = RowsTask(test=path, require_answer=require_answer)
                for problem in task.problems("test"):
                    task.prompt(problem).encode()
                    task.target(problem).encode()


def feedback(data: bytes) -> None:
    """Comparisons, ratings and comments, in any format."""
    with _file("rows.jsonl", data) as path:
        task = FeedbackRowsTask(train=path, dev=path, test=path, bad_rows="skip")
        for kind in typing.get_args(FeedbackKind):
            with _explained(path.name):
                task.feedback(kind, "train")


def items(data: bytes) -> None:
    """A row to grade, and a file of them."""
    with _file("rows.jsonl", data) as path:
        with _explained(path.name):
            item_of(read_item(path), answer_key=None)
        with _explained(path.name):
            read_samples(path, sample_key=None, answer_key=None)


def graders(data: bytes) -> None:
    """A grader's own file, in JSON and in YAML."""
    for name in ("grader.json", "grader.yaml"):
        with _file(name, data) as path, _explained(name):
            load_grader_config(path)


def recipes(data: bytes) -> None:
    """A recipe."""
    from burnish.run.recipe import load_recipe  # imports torch, which no other target needs

    with _file("recipe.yaml", data) as path, _explained(path.name):
        load_recipe(path)


def verdicts(data: bytes) -> None:
    """What a model said, against a gold answer: the two are parted by a zero byte."""
    said, _, gold = data.decode("utf-8", "replace").partition("\0")
    pair = (Problem("p", "?", gold, fields={"gold": gold}), _completion(said))
    for grader in _GRADERS:
        (verdict,) = grader.grade([pair])
        failed = verdict if isinstance(verdict, GraderFailure) else None
        assert failed is None or failed.kind != "exception", failed


def answers(data: bytes) -> None:
    """Answers in mathematics, programs in fences, JSON in a judge's reply."""
    said, _, gold = data.decode("utf-8", "replace").partition("\0")
    answer = answer_in(_completion(said), "The answer is: ")
    for found in (answer, said[:200], gold[:200]):
        if found is not None:
            as_plain_text(found)
            as_number(found)
            without_name(found, gold)
    program_in(said, ["f", gold[:20]])
    result_in(ChatReply(said, is_truncated=False, num_tokens=0))
    with contextlib.suppress(UngradableError):
        reply_in(said)


def templates(data: bytes) -> None:
    """A template, filled with a row and a sample; and a formula."""
    text, _, said = data.decode("utf-8", "replace").partition("\0")
    pair = (Problem("p", "?", "4", fields=_FIELDS), _completion(said))
    with contextlib.suppress(ValueError, UngradableError):
        parse_template(text).fill(namespace_of(pair))
    with contextlib.suppress(ValueError, UngradableError):
        formula = parse_formula(text)
        formula.value(dict.fromkeys(formula.variables, 0.5))


TARGETS: Mapping[str, Target] = {
    target.__name__: target
    for target in (rows, feedback, items, graders, recipes, verdicts, answers, templates)
}
_FIELDS: dict[str, Json] = {"a": [1, {"b c": None}], "gold": "4", "n": 1.5}
_GRADERS: Sequence[Grader] = (
    NumericConfig().build(),
    MultipleChoiceConfig().build(),
    QuantityConfig().build(),
    StringCheckConfig(
        input="{{sample.output_text}}", reference="{{item.gold}}", operation="ilike"
    ).build(),
    StringCheckConfig(
        input="{{sample.output_json.a[0]}}", reference="{{item.gold}}", operation="eq"
    ).build(),
)


def _completion(text: str) -> Completion:
    return Completion((), (), (), (), text, StopReason.EOS)


@contextlib.contextmanager
def _file(name: str, data: bytes) -> typing.Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


@contextlib.contextmanager
def _explained(*places: str) -> typing.Iterator[None]:
    """An error may be raised that names one of the places and is a paragraph of some lines."""
    try:
        yield
    except BurnishError as error:
        message = str(error)
        assert any(place in message for place in places), message
        assert len(message) <= MOST_CHARS, message
        assert "\n\n" not in message, message
        message.encode()
