from __future__ import annotations

import pytest

from burnish.errors import CheckpointError
from burnish.report.fake_trees import write_fake_trees
from burnish.report.run_files import read_run
from burnish.report.tree_files import tree_files
from burnish.search.tree import Tree
from burnish.search.tree_file import write_trees


def test_trees_of_the_run_and_of_its_stages_are_read_in_order(tmp_path):
    write_fake_trees(tmp_path, "03-search_2", 2)
    write_fake_trees(tmp_path, "01-search_1", 1)
    write_trees(tmp_path / "mcts.trees", [Tree("t", "?", 1)])
    notes: list[str] = []
    found = tree_files(tmp_path, notes)
    assert [(file.stage, file.name, len(file.trees)) for file in found] == [
        ("", "mcts", 1),
        ("search_1", "searched", 1),
        ("search_2", "searched", 2),
    ]
    assert notes == []


def test_trees_may_lie_deeper_in_a_stage(tmp_path):
    path = write_fake_trees(tmp_path, "01-search_1/parts", 1)
    assert path.parent.name == "parts"
    assert [file.stage for file in tree_files(tmp_path, [])] == ["search_1"]


def test_file_without_trees_and_file_under_way_are_left_out(tmp_path):
    write_trees(tmp_path / "none.trees", [])
    (tmp_path / ".half.trees").write_bytes(b"burnish-tr")
    notes: list[str] = []
    assert tree_files(tmp_path, notes) == ()
    assert notes == []


def test_damaged_file_is_named_by_its_place_in_the_run_and_the_others_are_read(tmp_path):
    path = write_fake_trees(tmp_path, "01-search_1", 1)
    path.write_bytes(path.read_bytes()[:-1])
    write_fake_trees(tmp_path, "02-search_2", 1)
    notes: list[str] = []
    assert [file.stage for file in tree_files(tmp_path, notes)] == ["search_2"]
    (note,) = notes
    assert note.startswith("Search trees were left out. stages/01-search_1/searched.trees: damaged")
    assert str(tmp_path) not in note


def test_folder_with_trees_alone_is_a_run_folder(tmp_path):
    with pytest.raises(CheckpointError, match="not a run folder"):
        read_run(tmp_path)
    write_fake_trees(tmp_path, "01-search_1", 1)
    assert len(read_run(tmp_path).trees) == 1
