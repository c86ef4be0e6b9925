"""Trees as columns."""

import math

from hypothesis import given
from hypothesis import strategies as st

from burnish.search.asks import End, Step
from burnish.search.tree import ROOT, Tree, prefix_key


def small_tree() -> Tree:
    """The root; 1 and 2 below it; 3 below 1."""
    tree = Tree("t", "What?", 7)
    tree.add(ROOT, Step("one ", 2, (11, 12)), 0.25)
    tree.add(ROOT, Step("two ", 1, (21,)), 0.5)
    tree.add(1, Step("three.", 3, (31,), End.FINAL), 0.75)
    return tree


def test_a_new_tree_is_its_root():
    tree = Tree("t", "What?", 7)

    assert len(tree) == 1
    assert (list(tree.parents), list(tree.depths), list(tree.values)) == ([-1], [0], [0.0])
    assert tree.is_open(ROOT)
    assert tree.path(ROOT) == []
    assert tree.prefix(ROOT).text == ""


def test_a_prefix_is_the_path_from_the_root_with_texts_and_tokens():
    prefix = small_tree().prefix(3)

    assert (prefix.tree_id, prefix.question, prefix.node) == ("t", "What?", 3)
    assert prefix.text == "one three."
    assert prefix.token_ids == (11, 12, 31)


def test_the_prefix_of_a_child_extends_that_of_its_parent():
    tree = small_tree()

    assert tree.prefix(3).steps[:-1] == tree.prefix(1).steps


def test_proposals_of_the_same_words_and_end_are_one_child():
    tree = small_tree()

    again = tree.add(ROOT, Step("  one\n", 9, (99,)), 0.9)
    ended = tree.add(ROOT, Step("one ", 2, (11, 12, 0), End.FINAL), 0.9)

    assert again == 1
    assert tree.values[1] == 0.25
    assert ended == 4
    assert tree.children[ROOT] == [1, 2, 4]


def test_a_node_without_a_model_value_is_worth_nothing_and_says_so():
    tree = small_tree()

    node = tree.add(2, Step("four", 1))

    assert tree.values[node] == 0.0
    assert math.isnan(tree.model_values[node])


def test_the_key_of_a_prefix_tells_where_its_steps_end():
    assert prefix_key([Step("ab", 1), Step("c", 1)]) != prefix_key([Step("a", 1), Step("bc", 1)])
    assert prefix_key([Step("ab", 1)]) == prefix_key([Step("ab", 5, (1,))])


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcd")), max_size=30))
def test_parents_come_first_and_depths_count_steps(links: list[tuple[int, str]]):
    tree = Tree("t", "?", 0)
    for parent, text in links:
        tree.add(parent % len(tree), Step(text, 1))

    for node in range(1, len(tree)):
        assert tree.parents[node] < node
        assert tree.depths[node] == len(tree.path(node)) == tree.depths[tree.parents[node]] + 1
        assert tree.path(node)[-1] == node
        assert node in tree.children[tree.parents[node]]
    assert sum(map(len, tree.children)) == len(tree) - 1
