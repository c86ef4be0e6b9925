from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from burnish.report.search_figure import CurvePoint, SearchCurve, search_figure

CURVES = [
    SearchCurve(
        "MCTS* & co",
        "mcts",
        (
            CurvePoint(250, 0.3, 0.2, 0.4),
            CurvePoint(500, 0.45, 0.35, 0.55),
            CurvePoint(1000, 0.6, 0.5, 0.7),
        ),
    ),
    SearchCurve("Greedy", "greedy", (CurvePoint(60, 0.25, 0.15, 0.35),)),
]


def circles(figure: str) -> dict[str, tuple[float, float]]:
    root = ElementTree.fromstring(figure)
    space = "{http://www.w3.org/2000/svg}"
    return {
        title.text or "": (float(circle.attrib["cx"]), float(circle.attrib["cy"]))
        for circle in root.iter(f"{space}circle")
        if (title := circle.find(f"{space}title")) is not None
    }


def test_a_point_stands_at_its_tokens_and_accuracy_doublings_equally_far_apart():
    places = circles(search_figure(CURVES))
    xs = [x for title, (x, _) in places.items() if title.startswith("MCTS")]
    ys = [y for title, (_, y) in places.items() if title.startswith("MCTS")]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    assert ys == sorted(ys, reverse=True)
    assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.2)
    (greedy,) = (place for title, place in places.items() if title.startswith("Greedy"))
    assert greedy[0] < xs[0]
    assert greedy[1] > ys[0]
    assert "MCTS* & co, 250 tokens: 30.0\u00a0% (20.0\u00a0% to 40.0\u00a0%)" in places


def test_intervals_are_bars_and_the_best_search_is_named_first():
    figure = search_figure(CURVES)
    (bars,) = re.findall(r'class="bar" style="stroke:var\(--blue, #2563c9\)" d="([^"]*)"', figure)
    assert len(re.findall("M[^M]*V", bars)) == 3
    assert figure.index("MCTS* &amp; co 60.0") < figure.index(">Greedy 25.0")
    assert re.findall(r'anchor="middle">([\d,]+)<', figure) == ["100", "200", "500", "1,000"]


def test_a_single_search_with_one_budget_is_drawn_in_the_middle():
    figure = search_figure(CURVES[1:])
    ((x, _),) = circles(figure).values()
    assert x == pytest.approx((52 + 14 + 800 - 272 - 14) / 2, abs=0.1)
    assert re.findall(r'anchor="middle">([\d,]+)<', figure) == ["60"]


def test_nothing_cannot_be_drawn():
    with pytest.raises(ValueError, match="no search"):
        search_figure([])
