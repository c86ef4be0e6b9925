from __future__ import annotations

import pytest

from burnish.search.asks import End, Step
from burnish.search.tree import Tree
from burnish.training.tree_labels import TraceFilter, imitated_traces, inferred_labels

EOS = 1
LONG = "Therefore, the answer is: 7"


def verified_tree() -> Tree:
    """Two right solutions (one text twice), one wrong, one that was not graded."""
    tree = Tree("p", "?", 1)
    first = tree.add(0, Step("12 - 5 = 7\n", 2, (10, 11)), 0.5)
    for text, tokens, value, is_correct in (
        (LONG, (12, EOS), 0.6, True),
        ("7", (13,), 0.9, True),
        ("8", (14, EOS), 0.4, False),
    ):
        node = tree.add(first, Step(text, 2, tokens, End.FINAL), value)
        tree.verify(node, is_correct=is_correct)
    tree.append(first, Step(LONG + " ", 2, (15, EOS), End.FINAL), 0.1)
    tree.verify(5, is_correct=True)
    tree.add(0, Step("It is 9", 2, (16, EOS), End.FINAL), 0.95)
    return tree


def rows(wanted: TraceFilter):
    return imitated_traces([verified_tree()], wanted, prompt_of=lambda _: (5, 6), eos_id=EOS)


def test_correct_solutions_are_imitated_once_in_the_tokens_that_were_sampled():
    best, second = rows(TraceFilter())
    assert best.token_ids == (5, 6, 10, 11, 13, EOS)
    assert second.token_ids == (5, 6, 10, 11, 12, EOS)
    assert second.is_action == (False, False, True, True, True, True)
    assert second.problem_id == "p"


@pytest.mark.parametrize(
    ("wanted", "last_steps"),
    [
        (TraceFilter(min_value=0.7), [13]),
        (TraceFilter(min_chars=20), [12]),
        (TraceFilter(top_k=1), [13]),
        (TraceFilter(verdict="any", top_k=2), [16, 13]),
        (TraceFilter(verdict="any"), [16, 13, 12, 14]),
        (TraceFilter(min_value=0.99), []),
    ],
)
def test_filters_are_joined(wanted, last_steps):
    assert [row.token_ids[-2] for row in rows(wanted)] == last_steps


def test_values_are_learnt_of_each_verified_node_once_and_of_wrong_ones_too():
    tree = verified_tree()
    found = inferred_labels([tree, Tree("empty", "?", 1)], prompt_of=lambda _: (5, 6))
    labelled = {
        (labels.tokens.step_ids[: k + 1], value)
        for labels in found
        for k, value in enumerate(labels.values)
        if value is not None
    }
    assert labelled == {
        (((10, 11),), 0.5),
        (((10, 11), (12, EOS)), 1.0),
        (((10, 11), (13,)), 1.0),
        (((10, 11), (15, EOS)), 1.0),
        (((10, 11), (14, EOS)), 0.25),
    }
    assert all(labels.tokens.prompt_ids == (5, 6) for labels in found)


def test_a_tree_without_a_right_solution_has_no_values():
    tree = Tree("p", "?", 1)
    tree.verify(tree.add(0, Step("8", 1, (14, EOS), End.FINAL), 0.4), is_correct=False)
    assert inferred_labels([tree], prompt_of=lambda _: (5,)) == []
