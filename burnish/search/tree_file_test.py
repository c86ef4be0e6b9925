"""Trees in files: the same again, or a clear error."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest

from burnish.errors import CheckpointError
from burnish.search.asks import Critique, End, Proposed, Step, Valuation, Valued
from burnish.search.budget import Spent
from burnish.search.tree import ROOT, Tree
from burnish.search.tree_file import read_trees, write_trees


def full_tree() -> Tree:
    """A tree with something in every column."""
    tree = Tree("gsm-1", "Wie viel? \u2013\n", 2**62)
    tree.add(ROOT, Step("one\n", 2, (11, 12)), 0.1 + 0.2)
    tree.add(ROOT, Step("cut\u2028", 1, (), End.CUT))
    tree.add(1, Step("three.", 3, (31,), End.FINAL), 1e-17)
    tree.mark(1, End.DEEP)
    tree.visit([ROOT, 1, 1])
    tree.is_expanded[ROOT] = 1
    tree.verify(3, is_correct=True)
    tree.num_rounds, tree.num_requests, tree.agenda, tree.solution = 3, 5, [2, 1], 3
    tree.spent = Spent(1, 2, 3, 4, 0.3)
    tree.known_values = {"k": 0.7}
    tree.known_critiques = {"c": Critique(False, "go on", 4)}
    tree.replies = [Proposed((((Step("x", 1, (5,)),),),)), Valued((Valuation(0.2, 9),))]
    return tree


def test_trees_come_back_as_they_were(tmp_path: Path):
    trees = [full_tree(), Tree("empty", "", 0)]

    write_trees(tmp_path / "a.trees", trees)

    assert [repr(tree) for tree in read_trees(tmp_path / "a.trees")] == [repr(t) for t in trees]


def test_no_trees_at_all_are_a_file_too(tmp_path: Path):
    write_trees(tmp_path / "a.trees", [])

    assert read_trees(tmp_path / "a.trees") == []


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path):
    path = tmp_path / "a.trees"
    write_trees(path, [full_tree(), full_tree()])

    write_trees(path, [Tree("new", "?", 1)])

    assert [tree.tree_id for tree in read_trees(path)] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_where_it_cannot_be_written_the_error_says_so(tmp_path: Path):
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_trees(tmp_path / "missing" / "a.trees", [])


def test_a_file_that_cannot_take_its_place_is_not_left_beside_it(tmp_path: Path):
    (tmp_path / "a.trees").mkdir()

    with pytest.raises(CheckpointError, match="cannot be written"):
        write_trees(tmp_path / "a.trees", [full_tree()])

    assert [path.name for path in tmp_path.iterdir()] == ["a.trees"]


# 16 is in the recorded size, 60 in the SHA-256, 100 and -1 in the trees.
@pytest.mark.parametrize("place", [0, 15, 16, 60, 100, -1])
def test_one_changed_byte_is_noticed(tmp_path: Path, place: int):
    path = tmp_path / "a.trees"
    write_trees(path, [full_tree()])
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match=r"a\.trees: "):
        read_trees(path)


@pytest.mark.parametrize("size", [0, 10, 90, 200])
def test_a_file_cut_short_is_noticed(tmp_path: Path, size: int):
    path = tmp_path / "a.trees"
    write_trees(path, [full_tree()])
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(CheckpointError, match=r"not a tree file|damaged"):
        read_trees(path)


def test_text_that_cannot_be_encoded_is_named_and_leaves_the_file_as_it_was(tmp_path: Path):
    path = tmp_path / "a.trees"
    write_trees(path, [full_tree()])

    with pytest.raises(CheckpointError, match="tree 'odd' cannot be written"):
        write_trees(path, [Tree("odd", "half of a pair: \ud800", 1)])

    assert [tree.tree_id for tree in read_trees(path)] == ["gsm-1"]


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"b\.trees: cannot be read \(No such file"):
        read_trees(tmp_path / "b.trees")


def test_a_later_format_is_not_guessed_at(tmp_path: Path):
    path = tmp_path / "a.trees"
    write_trees(path, [full_tree()])
    path.write_bytes(path.read_bytes().replace(b"burnish-trees 1 ", b"burnish-trees 2 ", 1))

    with pytest.raises(CheckpointError, match="format 2; this version reads format 1"):
        read_trees(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"parents":[-1,0,0,1]', '"parents":[-1,0,3,1]', "each parent must come before"),
        ('"visits":[1,2,0,0]', '"visits":[1,2,0]', "columns have lengths"),
        ('"seed":', '"seat":', "a tree cannot be read: seed"),
    ],
)
def test_a_sound_file_with_an_unsound_tree_is_refused(
    tmp_path: Path, old: str, new: str, message: str
):
    path = tmp_path / "a.trees"
    write_trees(path, [full_tree()])
    line = zlib.decompress(path.read_bytes().partition(b"\n")[2]).decode()
    assert old in line
    body = zlib.compress(line.replace(old, new).encode())
    digest = hashlib.sha256(body).hexdigest()
    path.write_bytes(f"burnish-trees 1 {len(body)} {digest}\n".encode() + body)

    with pytest.raises(CheckpointError, match=message):
        read_trees(path)
