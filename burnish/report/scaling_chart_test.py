from __future__ import annotations

from itertools import pairwise

import pytest

from burnish.report.charts import BOTTOM, HEIGHT, LEFT, NARROW, RIGHT, TOP
from burnish.report.scaling_chart import Way, draw_scaling

LOW = Way("attempts", "slate", ((0.4, 0.5, 0.6), (0.5, 0.6, 0.7), (0.5, 0.6, 0.7)))
HIGH = Way("corrected", "blue", ((0.6, 0.7, 0.8), (0.7, 0.75, 0.8), (0.7, 0.75, 0.8)))


def xs_of(budgets):
    way = Way("a", "slate", ((0.1, 0.2, 0.3),) * len(budgets))
    (curve,) = draw_scaling(budgets, [way], single=None).curves
    return [x for x, _ in curve.dots]


def test_doublings_are_equally_far_apart_and_the_ends_stand_inside_the_frame():
    xs = xs_of([2, 4, 8, 16])
    steps = [after - before for before, after in pairwise(xs)]
    assert steps == pytest.approx([steps[0]] * 3)
    assert xs[0] > LEFT
    assert xs[-1] < NARROW - RIGHT


def test_one_budget_stands_in_the_middle():
    (x,) = xs_of([8])
    assert x == pytest.approx((LEFT + NARROW - RIGHT) / 2)


def test_the_axis_holds_all_intervals_and_need_not_begin_at_0():
    chart = draw_scaling([2, 4, 8], [LOW, HIGH], single=0.5)
    assert [text for _, text in chart.grid] == ["40%", "50%", "60%", "70%", "80%"]
    assert chart.grid[0][0] == HEIGHT - BOTTOM
    assert chart.grid[-1][0] == pytest.approx(TOP)


def test_one_attempt_counts_for_the_axis_too():
    chart = draw_scaling([2, 4, 8], [HIGH], single=0.21)
    assert chart.grid[0][1] == "0%"
    assert chart.single_y is not None
    assert chart.single_y == pytest.approx(HEIGHT - BOTTOM - 0.21 * (HEIGHT - BOTTOM - TOP))
    assert draw_scaling([2, 4, 8], [HIGH], single=None).single_y is None


def test_equal_shares_still_have_an_axis():
    chart = draw_scaling([2], [Way("a", "slate", ((1.0, 1.0, 1.0),))], single=None)
    assert [text for _, text in chart.grid] == ["100%", "101%"]


def test_the_band_goes_along_the_upper_ends_and_back_along_the_lower():
    way = Way("a", "slate", ((0.0, 0.4, 1.0), (0.25, 0.5, 0.75)))
    (curve,) = draw_scaling([2, 4], [way], single=None).curves
    left, right, full = LEFT + 14, NARROW - RIGHT - 14, HEIGHT - BOTTOM - TOP
    corners = [(left, TOP), (right, TOP + full / 4), (right, TOP + 0.75 * full), (left, TOP + full)]
    expected = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    assert curve.band == f"M{expected}Z"
    assert curve.path.count("L") == 1


def test_last_values_are_written_above_the_higher_curve_and_below_the_lower():
    low, high = draw_scaling([2, 4, 8], [LOW, HIGH], single=None).curves
    assert low.end_label_y > low.dots[-1][1]
    assert high.end_label_y < high.dots[-1][1]
    assert (low.end_label, high.end_label) == ("60.0\u00a0%", "75.0\u00a0%")


def test_values_can_be_read_at_their_budgets():
    (curve,) = draw_scaling([2, 4, 8], [LOW], single=None).curves
    assert [(k, text) for _, _, k, text in curve.hover] == [
        (2, "50.0\u00a0%"),
        (4, "60.0\u00a0%"),
        (8, "60.0\u00a0%"),
    ]


def test_budgets_too_close_for_their_labels_leave_the_larger_one():
    way = Way("a", "slate", ((0.1, 0.2, 0.3),) * 4)
    chart = draw_scaling([2, 60, 62, 64], [way], single=None)
    assert [text for _, text in chart.ticks] == ["2", "64"]
