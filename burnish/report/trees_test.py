from __future__ import annotations

import re

import pytest

from burnish.report.build import write_report
from burnish.report.build_test import Balance, sections
from burnish.report.fake_run import write_fake_run
from burnish.report.fake_trees import HOSTILE, sum_trees, write_fake_trees
from burnish.report.tree_files import TreeFile
from burnish.report.trees import outcome_of, tree_groups, tree_view
from burnish.search.asks import End, Step
from burnish.search.tree import ROOT, Tree
from burnish.search.tree_file import write_trees


def tree_with(*leaves: tuple[float, bool | None]) -> Tree:
    """A finished solution of each value, verified as right, as wrong or not at all."""
    tree = Tree("t", "?", 1)
    for number, (value, is_correct) in enumerate(leaves):
        node = tree.add(ROOT, Step(f"It is {number}.", 2, (), End.FINAL), value)
        if is_correct is not None:
            tree.verify(node, is_correct=is_correct)
    return tree


@pytest.mark.parametrize(
    ("leaves", "outcome"),
    [
        ([(0.9, True), (0.2, False)], "found"),
        ([(0.2, True), (0.9, False)], "overlooked"),
        ([(0.2, True), (0.9, None)], "overlooked"),
        ([(0.2, False), (0.9, None)], "missed"),
        ([(0.9, None)], "unverified"),
        ([], "unfinished"),
    ],
)
def test_outcome_is_that_of_the_best_solution(leaves, outcome):
    assert outcome_of(tree_with(*leaves)) == outcome


def test_some_trees_of_each_outcome_are_shown_and_all_are_counted():
    right = [tree_with((0.9, True)) for _ in range(20)]
    wrong = [tree_with((0.9, False)) for _ in range(2)]
    (group,) = tree_groups([TreeFile("search_1", "searched", (*right, *wrong))])
    assert (group.title, group.num_trees) == ("Search 1", 22)
    assert group.counts == {"found": 20, "missed": 2}
    shown = [view.outcome for view in group.shown]
    assert shown == ["found", "missed", "found", "missed"] + ["found"] * 4


def test_latest_stage_comes_first_and_files_of_one_stage_are_named():
    one = (tree_with(),)
    files = [("", "mcts"), ("search_1", "train"), ("search_1", "dev"), ("search_2", "train")]
    groups = tree_groups([TreeFile(stage, name, one) for stage, name in files])
    assert [g.title for g in groups] == ["Search 2", "Search 1, dev", "Search 1, train", "MCTS*"]


def test_view_says_what_the_search_cost_and_found():
    (tree,) = sum_trees(1)
    facts = dict(tree_view(tree).facts)
    assert facts["tokens"] == f"{tree.spent.tokens:,}"
    assert facts["of them read by the value model"] == f"{tree.spent.value_tokens:,}"
    assert facts["of them right"] == str(list(tree.verified).count(1))
    assert "of them right" not in dict(tree_view(tree_with((0.5, None))).facts)


def page_with(run, *trees: Tree) -> str:
    write_fake_run(run)
    path = run / "stages" / "02-search_1" / "searched.trees"
    path.parent.mkdir(parents=True)
    write_trees(path, trees)
    return write_report(run).read_text("utf-8")


def test_page_has_every_node_of_every_shown_tree_once_in_list_and_drawing(tmp_path):
    trees = sum_trees(3)
    page = page_with(tmp_path / "run", *trees)
    assert sections(page) == ["results", "curves", "samples", "trees", "tokens", "config"]
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    num_nodes = sum(len(tree) - 1 for tree in trees)
    assert page.count('<details class="node') == page.count("data-dot=") == num_nodes
    assert page.count('<details class="card problem tree" open>') == 1


def test_best_path_is_open_and_verified_leaves_say_so(tmp_path):
    page = page_with(tmp_path / "run", tree_with((0.9, False), (0.4, True), (0.1, None)))
    opened = re.findall(r'<details class="node( best)?" data-node="(\d)"( open)?>', page)
    assert opened == [(" best", "1", " open"), ("", "2", ""), ("", "3", "")]
    nodes = page[page.index('class="nodes"') : page.index('<section id="tokens"')]
    said = re.findall(r'<span class="verdict (\w+)">(?:<svg.*?</svg>)?([\w ]+)</span>', nodes, re.S)
    assert said == [("wrong", "wrong"), ("right", "right"), ("unsure", "not verified")]


def test_what_a_model_wrote_is_text_on_the_page(tmp_path):
    tree = Tree(HOSTILE, HOSTILE, 1)
    tree.add(ROOT, Step(HOSTILE, 1), 0.5)
    page = page_with(tmp_path / "run", tree)
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\x00" not in page
    assert page.count("&lt;/script&gt;&lt;img src=x onerror=&#34;alert(1)&#34;&gt;") >= 4
    assert page.count("{{ 7 * 7 }}") >= 4


def test_page_with_trees_needs_nothing_from_elsewhere(tmp_path):
    page = page_with(tmp_path / "run", *sum_trees(1))
    assert not re.findall(r'(?:src|href)="(?!data:,)', page)
    assert "url(" not in page
    assert "@import" not in page


def test_empty_tree_says_that_nothing_was_proposed(tmp_path):
    page = page_with(tmp_path / "run", Tree("t", "Why?", 1))
    assert "nothing was proposed" in page
    assert "<svg viewBox" not in page[page.index('<section id="trees">') :].split("</section>")[0]


def test_large_tree_says_what_it_leaves_out(tmp_path):
    tree = Tree("t", "?", 1)
    for _ in range(200):
        tree.append(ROOT, Step("x", 1), 0.5)
    page = page_with(tmp_path / "run", tree)
    assert "159 of 200 nodes are shown" in page


def test_earlier_stages_are_folded_away(tmp_path):
    run = write_fake_run(tmp_path / "run")
    write_fake_trees(run, "01-search_1", 1)
    write_fake_trees(run, "03-search_2", 2)
    page = write_report(run).read_text("utf-8")
    assert '<h3 class="split">Search 2: 2 trees</h3>' in page
    assert "<details><summary>Search 1: 1 tree</summary>" in page


def test_damaged_trees_are_named_on_the_page(tmp_path):
    run = write_fake_run(tmp_path / "run")
    write_fake_trees(run, "01-search_1", 1).write_bytes(b"nothing")
    page = write_report(run).read_text("utf-8")
    assert "stages/01-search_1/searched.trees: not a tree file" in page
    assert "trees" not in sections(page)
