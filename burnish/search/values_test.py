"""Values inferred from trees, by numbers worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from burnish.search.asks import End, Step
from burnish.search.tree import ROOT, Tree
from burnish.search.values import (
    correct_path_values,
    hard_label_samples,
    infer_values,
    next_value,
    nodes_to_verify,
    soft_label_samples,
    value_samples,
    weighted_reward,
    wrong_step_value,
)


def grown(*links: tuple[int, str, bool | None]) -> Tree:
    """Nodes 1, 2, ... by parent, text and verdict (None: no leaf, or not verified)."""
    tree = Tree("t", "What?", 0)
    for parent, text, verdict in links:
        node = tree.append(parent, Step(text, 1))
        if verdict is not None:
            tree.mark(node, End.FINAL)
            tree.verify(node, is_correct=verdict)
        tree.is_expanded[parent] = 1
    return tree


def by_text(tree: Tree) -> dict[str, float]:
    return {"".join(sample.steps): sample.value for sample in value_samples(tree)}


# 0 -a- 1 -c- 4 -e- 6 correct, 3 steps        0 -b- 2 -d- 5 correct, 2 steps
#         `-f- 7 -g- 8 wrong                  0 -h- 3 -i- 9 never verified
TREE = grown(
    (0, "a", None),
    (0, "b", None),
    (0, "h", None),
    (1, "c", None),
    (2, "d", True),
    (4, "e", True),
    (1, "f", None),
    (7, "g", False),
    (3, "i", None),
)


@pytest.mark.parametrize("num_steps", [1, 2, 3, 7, 40])
def test_on_a_correct_path_v_k_is_k_over_its_steps(num_steps: int):
    links = [(k, f"s{k}", True if k == num_steps - 1 else None) for k in range(num_steps)]
    expected = [k / num_steps for k in range(num_steps + 1)]

    inferred = infer_values(grown(*links))

    assert inferred.values == pytest.approx(expected)
    assert inferred.distances == tuple(num_steps - k + 1 for k in range(num_steps + 1))
    assert correct_path_values(num_steps) == pytest.approx(expected[1:])


def test_a_wrong_step_pays_back_its_share():
    # K = 4, k = 2: 0.5 - 0.5 / 3.
    assert wrong_step_value(2, 4) == pytest.approx(1 / 3)
    # K = 3, k = 1: 1/3 - (2/3) / 3.
    assert wrong_step_value(1, 3) == pytest.approx(1 / 9)
    assert wrong_step_value(0, 5) == 0.0
    # K = 5, k = 4: 0.8 - 0.2 / 2.
    assert wrong_step_value(4, 5) == pytest.approx(0.7)


def test_the_weighted_reward_tells_its_arguments_apart():
    assert weighted_reward(0.2, 3, is_wrong=False) == pytest.approx(0.2)
    assert weighted_reward(0.2, 3, is_wrong=True) == pytest.approx(-0.2)
    assert next_value(0.2, 3, is_wrong=False) == pytest.approx(0.4)
    assert next_value(0.1, 1, is_wrong=True) == 0.0


def test_a_tree_by_hand():
    inferred = infer_values(TREE)

    # d: the root is two steps and one from 5; 7 and 8 copy d = 3 of node 1, the nearest on a
    # correct path; 3 and 9 have no verified leaf below them.
    assert inferred.distances == (3, 3, 2, None, 2, 1, 1, 3, 3, None)
    assert inferred.is_positive == (True,) * 3 + (None,) + (True,) * 3 + (False, False, None)
    assert by_text(TREE) == pytest.approx(
        {
            "a": 1 / 3,  # 0 + 1 / 3
            "b": 1 / 2,  # 0 + 1 / 2
            "ac": 2 / 3,  # 1/3 + (2/3) / 2
            "bd": 1.0,
            "ace": 1.0,
            "af": 1 / 9,  # 1/3 - (2/3) / 3: the formula for k = 1, K = 3
            "afg": 0.0,  # max(0, 1/9 - (8/9) / 3)
        }
    )


def test_samples_say_whether_a_correct_solution_goes_through_them():
    signs = {"".join(s.steps): s.is_positive for s in value_samples(TREE)}

    assert {text for text, positive in signs.items() if not positive} == {"af", "afg"}
    (sample,) = [s for s in value_samples(TREE) if s.node == 4]
    assert (sample.tree_id, sample.question, sample.steps) == ("t", "What?", ("a", "c"))


def test_of_several_correct_leaves_the_nearest_counts():
    tree = grown((0, "a", None), (1, "b", None), (2, "c", True), (1, "d", True))

    assert by_text(tree) == pytest.approx({"a": 0.5, "ab": 0.75, "abc": 1.0, "ad": 1.0})


def test_a_tree_without_a_correct_leaf_yields_no_values():
    tree = grown((0, "a", None), (1, "b", False))

    assert value_samples(tree) == []
    assert infer_values(tree).values == (None,) * 3


@pytest.mark.parametrize("tree", [Tree("t", "?", 0), grown((0, "a", None), (1, "b", None))])
def test_an_empty_tree_and_one_without_verdicts_yield_nothing(tree: Tree):
    assert value_samples(tree) == hard_label_samples(tree) == soft_label_samples(tree) == []


def test_hard_labels_ask_whether_any_leaf_below_is_correct():
    labels = {"".join(s.steps): s.value for s in hard_label_samples(TREE)}

    assert labels == {"a": 1, "b": 1, "ac": 1, "bd": 1, "ace": 1, "af": 0, "afg": 0}
    wrong = grown((0, "a", None), (1, "b", False))
    assert [s.value for s in hard_label_samples(wrong)] == [0, 0]


def test_soft_labels_are_shares_of_samples():
    tree = grown((0, "a", None), (1, "b", True), (1, "c", False), (0, "d", False))
    for node, visits in enumerate((5, 4, 3, 1, 1)):
        tree.visits[node] = visits

    labels = {"".join(s.steps): (s.value, s.is_positive) for s in soft_label_samples(tree)}

    assert labels == {"a": (0.75, True), "ab": (1, True), "ac": (0, False), "d": (0, False)}


def test_a_leaf_without_visits_counts_once_in_soft_labels():
    tree = grown((0, "a", None), (1, "b", True), (1, "c", False))

    assert {"".join(s.steps): s.value for s in soft_label_samples(tree)}["a"] == 0.5


def test_end_leaves_are_unexpanded_and_finished_or_past_the_gate():
    tree = grown((0, "a", None), *((1, text, None) for text in "bcdefg"))
    ends = [(0.1, End.FINAL), (0.95, End.CUT), (0.85, End.DEEP), (0.75, End.DEEP)]
    for node, (value, end) in enumerate([(0.9, 0), (0.9, 0), (0.7, 0), (0.8, 0), *ends]):
        tree.values[node] = value
        tree.mark(node, End(end))

    assert nodes_to_verify(tree, 0.8) == [3, 4, 6]


@given(
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from([None, None, True, False])), max_size=40)
)
def test_values_stay_in_range_and_correct_leaves_are_worth_1(links):
    tree = Tree("t", "?", 0)
    for parent, verdict in links:
        tree.append(parent % len(tree), Step("s", 1))
        if verdict is not None and not tree.children[-1]:
            tree.verify(len(tree) - 1, is_correct=verdict)
    for node in range(len(tree)):
        if tree.children[node]:
            tree.verified[node] = -1

    inferred = infer_values(tree)

    for node, value in enumerate(inferred.values):
        assert value is None or 0 <= value <= 1
        if tree.verified[node] == 1 and node != ROOT:
            assert value == pytest.approx(1.0)
        if value is not None and node != ROOT:
            parent = inferred.values[tree.parents[node]]
            assert parent is not None
            assert (value >= parent) == (inferred.is_positive[node] or value == parent)
