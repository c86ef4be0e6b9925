from __future__ import annotations

import re
from itertools import pairwise

import pytest

from burnish.report.charts import NARROW
from burnish.report.flows import FLOW_HEIGHT, Moves, draw_flow

MOVES = Moves(kept=40, fixed=25, broken=10, missed=25)


def plain(text):
    return text.replace("\u00a0", " ")


def edges(band):
    """Upper and lower edge of a band on its left and on its right."""
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d", band.path)]
    _, top_left, *_, bottom_right = numbers[:9]
    return (top_left, numbers[-1]), (numbers[7], bottom_right)


def test_bars_are_as_high_as_their_share():
    chart = draw_flow([MOVES])
    right, wrong, right_after, wrong_after = chart.bars
    assert right.height == pytest.approx(wrong.height)
    assert right_after.height / wrong_after.height == pytest.approx(65 / 35)
    assert wrong.y > right.y + right.height
    assert wrong_after.y + wrong_after.height < FLOW_HEIGHT


def test_bands_fill_their_bars_on_both_sides():
    chart = draw_flow([MOVES])
    right, wrong, right_after, wrong_after = chart.bars
    at = {band.kind: edges(band) for band in chart.bands}

    def joins(upper, lower, side, bar):
        assert at[upper][side][0] == pytest.approx(bar.y, abs=0.11)
        assert at[upper][side][1] == pytest.approx(at[lower][side][0], abs=0.11)
        assert at[lower][side][1] == pytest.approx(bar.y + bar.height, abs=0.11)

    joins("kept", "broken", 0, right)
    joins("fixed", "missed", 0, wrong)
    joins("kept", "fixed", 1, right_after)
    joins("broken", "missed", 1, wrong_after)


def test_counts_and_shares_are_written():
    chart = draw_flow([MOVES])
    assert {plain(band.label.text) for band in chart.bands} == {
        "kept 40 · 40.0 %",
        "fixed 25 · 25.0 %",
        "broken 10 · 10.0 %",
        "missed 25 · 25.0 %",
    }
    assert [plain(line.text) for line in chart.bars[2].labels] == ["right", "65", "65.0 %"]
    assert [head.text for head in chart.heads] == ["Attempt 1", "Attempt 2"]


def test_a_way_that_nothing_went_has_no_band():
    chart = draw_flow([Moves(kept=0, fixed=0, broken=7, missed=0)])
    assert [band.kind for band in chart.bands] == ["broken"]
    assert [bar.height for bar in chart.bars][1:3] == [0, 0]


def test_labels_keep_apart_and_inside_however_the_counts_lie():
    for kept, fixed, broken in [
        (1, 1, 1),
        (0, 1, 97),
        (97, 1, 1),
        (1, 97, 1),
        (1, 0, 1),
        (99, 1, 0),
    ]:
        chart = draw_flow([Moves(kept, fixed, broken, 100 - kept - fixed - broken)])
        texts = [band.label for band in chart.bands]
        for anchor in ("start", "end"):
            heights = sorted(text.y for text in texts if text.anchor == anchor)
            assert all(b - a >= 11 for a, b in pairwise(heights))
        assert all(chart.bars[0].y + 10 < text.y < FLOW_HEIGHT for text in texts)
        lines = sorted(line.y for bar in chart.bars[2:] for line in bar.labels)
        assert lines[-1] < FLOW_HEIGHT - 2
        assert all(b - a >= 11 for a, b in pairwise(lines))


def test_a_third_attempt_adds_a_column_and_width():
    after = Moves(kept=60, fixed=5, broken=5, missed=30)
    chart = draw_flow([MOVES, after])
    assert chart.width == 2 * NARROW
    assert [head.text for head in chart.heads] == ["Attempt 1", "Attempt 2", "Attempt 3"]
    middle = chart.bars[2]
    assert [plain(line.text) for line in middle.labels] == ["right 65 · 65.0 %"]
    assert middle.x == pytest.approx(chart.width / 2, abs=10)
    assert [band.kind for band in chart.bands] == ["kept", "missed", "broken", "fixed"] * 2
