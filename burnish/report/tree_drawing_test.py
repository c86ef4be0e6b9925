from __future__ import annotations

from itertools import pairwise

import pytest

from burnish.report.fake_trees import sum_trees
from burnish.report.tree_drawing import TreeDrawing, drawing_of
from burnish.report.tree_nodes import shown_root
from burnish.search.asks import Step
from burnish.search.tree import ROOT, Tree


def drawn(parents: list[int], **visits: int) -> TreeDrawing:
    tree = Tree("t", "?", 1)
    for parent in parents:
        tree.append(parent, Step("x", 1), 0.5)
    for name, count in visits.items():
        tree.visits[int(name[1:])] = count
    return drawing_of(shown_root(tree))


def test_leaves_stand_side_by_side_and_parents_above_their_middle():
    places = {dot.number: (dot.x, dot.y) for dot in drawn([ROOT, ROOT, 1, 1, 1]).dots}
    left, leaf, row = places[3][0], 24.0, 40.0
    assert [places[i][0] - left for i in (3, 4, 5, 2)] == [0, leaf, 2 * leaf, 3 * leaf]
    assert places[1][0] - left == leaf
    assert places[0][0] - left == 2 * leaf
    assert [places[i][1] - places[0][1] for i in (1, 2, 3)] == [row, row, 2 * row]


def test_all_dots_lie_in_the_picture_and_none_upon_another():
    for tree in sum_trees(4, iterations=30):
        drawing = drawing_of(shown_root(tree))
        dots = drawing.dots
        assert all(dot.radius <= dot.x <= drawing.width - dot.radius for dot in dots)
        assert all(dot.radius <= dot.y <= drawing.height - dot.radius for dot in dots)
        places = sorted((round(dot.y, 3), dot.x) for dot in dots)
        gaps = [b[1] - a[1] for a, b in pairwise(places) if a[0] == b[0]]
        assert min(gaps) >= 15


@pytest.mark.parametrize(("num_leaves", "width"), [(2, 24.0), (50, 1060 / 50), (140, 15.0)])
def test_many_leaves_move_together_as_far_as_they_can_be_told_apart(num_leaves, width):
    xs = sorted(dot.x for dot in drawn([ROOT] * num_leaves).dots if dot.number)
    assert xs[1] - xs[0] == pytest.approx(width)


@pytest.mark.parametrize(("depth", "height"), [(3, 40.0), (28, 20.0), (48, 12.0)])
def test_many_rows_move_together_as_far_as_they_can_be_told_apart(depth, height):
    ys = [dot.y for dot in drawn(list(range(depth))).dots]
    assert ys[1] - ys[0] == pytest.approx(height)


def test_dot_grows_with_the_root_of_the_visits():
    radii = {dot.number: dot.radius for dot in drawn([ROOT] * 3, n1=16, n2=4).dots}
    assert [radii[i] for i in (1, 2, 3)] == [9.0, 6.5, 4.0]


def test_lines_of_the_best_path_come_last():
    (tree,) = sum_trees(1)
    drawing = drawing_of(shown_root(tree))
    flags = [branch.is_best for branch in drawing.branches]
    assert flags == sorted(flags)
    assert sum(flags) == sum(dot.is_best for dot in drawing.dots) - 1 > 0
    assert len(drawing.branches) == len(drawing.dots) - 1


def test_tip_says_step_value_and_visits():
    tips = [dot.tip for dot in drawn([ROOT], n1=1200).dots]
    assert tips[1] == "x \u00b7 V 0.500, 1,200 visits"
