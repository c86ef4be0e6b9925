"""Trees in a file: one line that names format, size and SHA-256, then deflated JSON, a tree a line.

Written beside and renamed, so that a file is whole or not there. Floats come back bit for bit; a
tree that was stopped within a round comes back with the replies of that round.
"""

from __future__ import annotations

import hashlib
import math
import os
import zlib
from array import array
from collections.abc import Sequence
from pathlib import Path

import pydantic

from burnish.errors import CheckpointError
from burnish.search.asks import Critique, Reply, Step
from burnish.search.budget import Spent
from burnish.search.tree import Tree

_MAGIC = b"burnish-trees"
_FORMAT = 1


class _Record(pydantic.BaseModel):
    """A tree's line."""

    model_config = pydantic.ConfigDict(extra="forbid")

    tree_id: str
    question: str
    seed: int
    parents: list[int]
    steps: list[Step]
    ends: list[int]
    values: list[float]
    model_values: list[float | None]
    visits: list[int]
    is_expanded: list[int]
    verified: list[int]
    num_rounds: int
    num_requests: int
    agenda: list[int]
    solution: int
    spent: Spent
    known_values: dict[str, float]
    known_critiques: dict[str, Critique]
    replies: list[Reply]


def write_trees(path: Path, trees: Sequence[Tree]) -> None:
    """Write all trees to one file, in place of what stood there.

    Raises CheckpointError, with the earlier file untouched, where it cannot be written.
    """
    lines = "\n".join(_line(path, tree) for tree in trees)
    body = zlib.compress(lines.encode("utf-8"), level=6)
    head = b"%s %d %d %s\n" % (_MAGIC, _FORMAT, len(body), _digest(body))
    beside = path.with_name(f".{path.name}.writing-{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(head + body)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CheckpointError(f"{path}: the trees cannot be written ({error}).") from error


def read_trees(path: Path) -> list[Tree]:
    """The trees of a file, in order. Raises CheckpointError where it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}).") from error
    head, _, body = content.partition(b"\n")
    _require_whole(path, head, body)
    lines = zlib.decompress(body).decode("utf-8").split("\n")
    return [_tree(path, line) for line in lines if line]


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _require_whole(path: Path, head: bytes, body: bytes) -> None:
    magic, *rest = head.split(b" ")
    if magic != _MAGIC or len(rest) != 3:
        raise CheckpointError(
            f"{path}: not a tree file: it begins with {head[:24]!r}, not {_MAGIC.decode()!r}."
        )
    number, num_bytes, digest = rest
    if number != b"%d" % _FORMAT:
        raise CheckpointError(
            f"{path}: trees of format {number.decode('ascii', 'replace')}; this version reads "
            f"format {_FORMAT}. Search again, or read them with the version that wrote them."
        )
    if num_bytes != b"%d" % len(body) or digest != _digest(body):
        raise CheckpointError(
            f"{path}: damaged: {len(body)} bytes that do not have the recorded size and SHA-256. "
            "Restore it from a copy, or remove it to search again."
        )


def _line(path: Path, tree: Tree) -> str:
    try:
        return _record(tree).model_dump_json()
    except (ValueError, UnicodeError) as error:
        raise CheckpointError(
            f"{path}: tree {tree.tree_id!r} cannot be written: its question or a step is not "
            f"Unicode text ({error})."
        ) from error


def _record(tree: Tree) -> _Record:
    return _Record(
        tree_id=tree.tree_id,
        question=tree.question,
        seed=tree.seed,
        parents=list(tree.parents),
        steps=tree.steps,
        ends=list(tree.ends),
        values=list(tree.values),
        model_values=[None if math.isnan(value) else value for value in tree.model_values],
        visits=list(tree.visits),
        is_expanded=list(tree.is_expanded),
        verified=list(tree.verified),
        num_rounds=tree.num_rounds,
        num_requests=tree.num_requests,
        agenda=tree.agenda,
        solution=tree.solution,
        spent=tree.spent,
        known_values=tree.known_values,
        known_critiques=tree.known_critiques,
        replies=tree.replies,
    )


def _tree(path: Path, line: str) -> Tree:
    try:
        record = _Record.model_validate_json(line)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise CheckpointError(
            f"{path}: a tree cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}."
        ) from error
    tree = Tree(record.tree_id, record.question, record.seed)
    _fill_columns(path, tree, record)
    tree.num_rounds = record.num_rounds
    tree.num_requests = record.num_requests
    tree.agenda = record.agenda
    tree.solution = record.solution
    tree.spent = record.spent
    tree.known_values = record.known_values
    tree.known_critiques = record.known_critiques
    tree.replies = record.replies
    return tree


def _fill_columns(path: Path, tree: Tree, record: _Record) -> None:
    model_values = [math.nan if value is None else value for value in record.model_values]
    columns = (record.ends, record.values, model_values, record.visits, record.is_expanded)
    sizes = {len(column) for column in (record.steps, record.verified, *columns)}
    is_tree = all(0 <= parent < node for node, parent in enumerate(record.parents[1:], start=1))
    if not is_tree or sizes != {len(record.parents)} or record.parents[:1] != [-1]:
        raise CheckpointError(
            f"{path}: tree {record.tree_id!r} is no tree: its columns have lengths "
            f"{sorted(sizes | {len(record.parents)})}, and each parent must come before its child."
        )
    for parent, step in zip(record.parents[1:], record.steps[1:], strict=True):
        tree.append(parent, step)
    tree.ends = array("b", record.ends)
    tree.values = array("d", record.values)
    tree.model_values = array("d", model_values)
    tree.visits = array("i", record.visits)
    tree.is_expanded = array("b", record.is_expanded)
    tree.verified = array("b", record.verified)
