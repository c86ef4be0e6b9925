from __future__ import annotations

from burnish.report.curves import main_curves, other_curves

METRICS = [
    {"stage": "sft", "step": 1, "time_s": 1.0, "train/loss": 2.0},
    {"stage": "sft", "step": 2, "time_s": 2.0, "train/loss": 1.5, "dev/accuracy": 0.3},
    {"stage": "reft", "step": 1, "time_s": 3.0, "rollout/reward": 0.4, "search/new_thing": 7},
    {"stage": "reft", "step": 2, "time_s": 4.0, "rollout/reward": float("nan")},
    {"stage": "reft", "step": 3, "time_s": 5.0, "rollout/reward": 0.6, "dev/accuracy": 0.5},
]


def test_known_metrics_come_in_the_order_of_their_weight():
    assert [c.key for c in main_curves(METRICS)] == ["dev/accuracy", "rollout/reward", "train/loss"]


def test_unknown_metrics_are_shown_too():
    curve = other_curves(METRICS)[0]
    assert (curve.key, curve.title) == ("search/new_thing", "Search: new thing")


def test_a_metric_spans_only_the_stages_that_have_it():
    curves = {c.key: c for c in main_curves(METRICS)}
    assert [s.stage for s in curves["rollout/reward"].chart.segments] == ["reft"]
    assert [s.stage for s in curves["dev/accuracy"].chart.segments] == ["sft", "reft"]


def test_only_the_comparison_of_stages_is_drawn_wide():
    assert [c.wide_chart is not None for c in main_curves(METRICS)] == [True, False, False]


def test_values_that_are_not_finite_are_left_out():
    reward = main_curves(METRICS)[1].chart.segments[0]
    assert [point[2] for point in reward.hover] == [1, 3]


def test_a_step_logged_again_after_a_resume_counts_once():
    again = [*METRICS, {"stage": "reft", "step": 3, "rollout/reward": 0.9}]
    reward = main_curves(again)[1].chart.segments[0]
    assert [point[2:] for point in reward.hover] == [(1, "0.4"), (3, "0.9")]


def test_nothing_logged_gives_no_curves():
    assert main_curves([]) == other_curves([]) == []
