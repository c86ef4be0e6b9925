from __future__ import annotations

import math

import pytest

from burnish.report.tree_nodes import TreeNode, clean, one_line, shortened, shown_root
from burnish.search.asks import End, Step
from burnish.search.tree import ROOT, Tree


def tree_by_hand() -> Tree:
    """0 -> 1 (0.3, 2 visits) -> 3 right; 0 -> 2 (0.8, 5 visits) -> 4 wrong, 5 open."""
    tree = Tree("t", "How many?", 1)
    tree.add(ROOT, Step("first\n", 4), 0.25)
    tree.add(ROOT, Step("second", 5))
    tree.add(1, Step(" It is 3.", 6, (), End.FINAL), 0.5)
    tree.add(2, Step("It is 4.", 7, (), End.FINAL), 0.9)
    tree.add(2, Step("", 1), 0.95)
    tree.values[1], tree.values[2] = 0.3, 0.8
    for node, visits in ((1, 2), (2, 5), (3, 1), (4, 3)):
        tree.visits[node] = visits
    tree.verify(3, is_correct=True)
    tree.verify(4, is_correct=False)
    return tree


def nodes_of(root: TreeNode) -> dict[int, TreeNode]:
    found = {root.number: root}
    for child in root.children:
        found |= nodes_of(child)
    return found


def chain_of(length: int, *, width: int = 1) -> Tree:
    tree = Tree("t", "?", 1)
    for _ in range(width):
        parent = ROOT
        for _ in range(length):
            parent = tree.append(parent, Step("go on", 1), 0.5)
    return tree


def test_children_stand_in_the_order_of_value():
    root = shown_root(tree_by_hand())
    assert [child.number for child in root.children] == [2, 1]
    assert [child.number for child in root.children[0].children] == [5, 4]
    assert root.size == 6


def test_node_says_its_step_values_and_visits():
    node = nodes_of(shown_root(tree_by_hand()))[1]
    assert (node.excerpt, node.text, node.value, node.share) == ("first", "first", "0.300", 0.3)
    assert dict(node.facts) == {
        "value": "0.300",
        "value model": "0.250",
        "visits": "2",
        "step": "1",
        "tokens": "4",
        "next steps": "1",
    }


def test_node_that_the_value_model_was_not_asked_about_says_so():
    assert dict(nodes_of(shown_root(tree_by_hand()))[2].facts)["value model"] == "not asked"


def test_verified_leaves_are_marked_and_counted_on_the_way_to_them():
    nodes = nodes_of(shown_root(tree_by_hand()))
    assert {i: nodes[i].mark for i in (1, 3, 4, 5)} == {1: "open", 3: "right"} | {
        4: "wrong",
        5: "open",
    }
    assert {i: nodes[i].num_right for i in nodes} == {0: 1, 1: 1, 2: 0, 3: 1, 4: 0, 5: 0}


def test_best_path_leads_to_the_finished_solution_of_greatest_value():
    nodes = nodes_of(shown_root(tree_by_hand()))
    assert {i for i in nodes if nodes[i].is_best} == {0, 2, 4}


@pytest.mark.parametrize(
    ("end", "mark", "words"),
    [
        (End.FINAL, "finished", "finished"),
        (End.CUT, "ended", "cut by the token limit"),
        (End.DEEP, "ended", "at the depth limit"),
        (End.STUCK, "ended", "no next step was proposed"),
    ],
)
def test_node_says_why_nothing_follows(end, mark, words):
    tree = Tree("t", "?", 1)
    tree.mark(tree.add(ROOT, Step("x", 1)), end)
    node = shown_root(tree).children[0]
    assert (node.mark, node.end) == (mark, words)


def test_node_without_text_and_values_out_of_range_are_shown():
    tree = tree_by_hand()
    tree.values[1], tree.values[2] = math.nan, -0.5
    nodes = nodes_of(shown_root(tree))
    assert nodes[5].excerpt == "(no text)"
    assert (nodes[1].value, nodes[1].share) == ("\u2013", 0.0)
    assert (nodes[2].value, nodes[2].share) == ("\u22120.500", 0.0)
    tree.values[1] = 7.0
    assert nodes_of(shown_root(tree))[1].share == 1.0


def test_large_tree_keeps_verified_solutions_and_the_most_visited_and_counts_the_rest():
    tree = chain_of(2, width=400)
    tree.verify(700, is_correct=True)
    tree.visits[601] = 9
    tree.visits[602] = 3
    root = shown_root(tree)
    nodes = nodes_of(root)
    assert len(nodes) == 160
    assert {699, 700, 601, 602} <= nodes.keys()
    assert sum(node.num_hidden for node in nodes.values()) == 801 - 160


def test_large_tree_keeps_the_best_solution_and_wrong_ones_that_were_hardly_visited():
    tree = chain_of(2, width=400)
    for node in range(1, 401):
        tree.visits[node] = 5
    tree.mark(798, End.FINAL)
    tree.values[798] = 0.99
    tree.verify(800, is_correct=False)
    assert {797, 798, 799, 800} <= nodes_of(shown_root(tree)).keys()


@pytest.mark.parametrize("length", [100, 300])
def test_long_path_ends_where_a_page_could_not_nest_deeper(length):
    tree = chain_of(length)
    tree.mark(length, End.FINAL)
    nodes = nodes_of(shown_root(tree))
    assert max(nodes) == 48
    assert nodes[48].num_hidden == length - 48


def test_empty_tree_is_its_root():
    root = shown_root(Tree("t", "?", 1))
    assert (root.children, root.size) == ((), 1)


def test_texts_are_cut_to_size_and_hidden_signs_made_visible():
    assert one_line("a\n\n b\t c") == "a b c"
    assert len(one_line("word " * 100)) <= 100
    assert one_line("word " * 100).endswith("\u2026")
    assert clean("a\x00\u202eb\n\tc") == "a\ufffd\ufffdb\n\tc"
    assert shortened("x" * 4000) == "x" * 4000
    assert shortened("x" * 5234).endswith("x\u2026 (1,234 more characters)")
