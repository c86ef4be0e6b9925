from __future__ import annotations

import pytest

from burnish.report.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    NARROW,
    RIGHT,
    TOP,
    WIDE,
    Series,
    axis_ticks,
    draw_chart,
    moving_average,
    thinned,
)


def series(stage, values, first=1):
    points = tuple((float(first + i), v) for i, v in enumerate(values))
    return Series(stage, points, points[0][0], points[-1][0])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.1, 0.84, [0, 0.5, 1.0]),
        (2.0, 5.9, [0, 2, 4, 6]),
        (94.0, 99.0, [94, 96, 98, 100]),
        (-3.0, -1.0, [-3, -2, -1, 0]),
        (0.0, 0.0, [0, 0.5, 1.0]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low, high, ticks):
    assert axis_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize("low_high", [(1e-9, 1e-9), (5.0, 5.0), (-2.0, -2.0), (1e6, 3e9)])
def test_ticks_never_collapse(low_high):
    ticks = axis_ticks(*low_high)
    assert ticks[0] <= low_high[0] <= low_high[1] <= ticks[-1]
    assert ticks[0] < ticks[-1]


def test_ticks_of_a_share_start_at_zero_and_end_at_one():
    assert axis_ticks(0.93, 0.98, at_most_one=True) == pytest.approx([0, 0.5, 1.0])
    assert axis_ticks(0.0, 0.0, at_most_one=True)[-1] <= 0.02


def test_values_are_placed_by_step_and_height():
    chart = draw_chart([series("reft", [0.0, 1.0, 0.5])], is_share=False)
    (x0, y0, step0, text0), (_, y1, _, _), (x2, y2, *_) = chart.segments[0].hover
    assert (x0, x2) == pytest.approx((LEFT, NARROW - RIGHT))
    assert (y0, y1) == pytest.approx((HEIGHT - BOTTOM, TOP))
    assert y2 == pytest.approx((y0 + y1) / 2)
    assert (step0, text0) == (1, "0")
    assert chart.segments[0].end_label == "0.5"


def test_stages_stand_beside_each_other_and_none_is_too_narrow():
    chart = draw_chart(
        [series("sft", [0.1] * 1000), series("reft", [0.2, 0.9])], is_share=True, width=WIDE
    )
    sft, reft = chart.segments
    assert sft.right < reft.left
    assert reft.right == pytest.approx(WIDE - RIGHT)
    assert reft.right - reft.left > 0.15 * WIDE
    assert reft.ticks[-1] == (reft.right, "2")


def test_long_noisy_curves_are_thinned_and_smoothed():
    segment = draw_chart([series("reft", [i % 2 for i in range(5000)])], is_share=True).segments[0]
    assert len(segment.hover) <= 240
    assert segment.smooth_path
    assert segment.dots == ()
    assert segment.hover[-1][2] == 5000
    assert segment.end_label.startswith("50.")


def test_short_curves_mark_every_value():
    segment = draw_chart([series("reft", [0.1, 0.2])], is_share=True).segments[0]
    assert len(segment.dots) == 2
    assert segment.smooth_path == ""


def test_moving_average_by_hand():
    points = [(1.0, 0.0), (2.0, 3.0), (3.0, 6.0), (4.0, 0.0)]
    found = moving_average(points, half_window=1)
    assert found == [(1.0, 1.5), (2.0, 3.0), (3.0, 3.0), (4.0, 3.0)]


def test_thinning_averages_neighbours():
    points = [(1.0, 1.0), (2.0, 3.0), (3.0, 5.0)]
    assert thinned(points, 2) == [(2.0, 2.0), (3.0, 5.0)]
    assert thinned(points, 3) == points
