from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from burnish.report.reward_figure import RewardCurve, RewardCurvePoint, reward_figure


def curve(title: str, *points: tuple[float, float]) -> RewardCurve:
    return RewardCurve(
        title, tuple(RewardCurvePoint(kl, gold, gold - 0.1, gold + 0.1) for kl, gold in points)
    )


def test_curves_are_drawn_by_the_root_of_the_kl_and_named_with_last_and_best():
    svg = reward_figure(
        [curve("RLHF", (0.0, 0.5), (4.0, 0.9), (16.0, 0.7)), curve("DPO", (1, 0.6))]
    )
    ET.fromstring(svg)
    assert "RLHF 0.700 (best 0.900)" in svg
    assert "DPO 0.600 (best 0.600)" in svg
    xs = [float(x) for x in re.findall(r'<circle cx="([0-9.]+)" cy="[0-9.]+" r="3"', svg)]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    ys = [float(y) for y in re.findall(r'<circle cx="[0-9.]+" cy="([0-9.]+)" r="3"', svg)]
    assert ys[1] < ys[2] < ys[3] < ys[0]


def test_negative_estimates_of_the_kl_stand_at_zero():
    svg = reward_figure([curve("a", (-0.2, 0.5), (0.0, 0.5))])
    xs = re.findall(r'<circle cx="([0-9.]+)" cy="[0-9.]+" r="3"', svg)
    assert xs[0] == xs[1]


def test_title_tells_where_every_curve_ends():
    svg = reward_figure([curve("A & B", (0.0, 0.5), (2.0, 0.8))])
    assert "A &amp; B, KL 2.00: 0.800 (0.700 to 0.900)" in svg


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="no curve"):
        reward_figure([])
