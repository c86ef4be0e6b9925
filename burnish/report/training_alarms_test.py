from __future__ import annotations

from burnish.report.training_alarms import training_alarms


def row(stage, step, **metrics):
    return {"stage": stage, "step": step} | metrics


def test_an_alarm_is_told_with_its_stage_and_last_step():
    rows = [
        row("stage_one", 5, **{"alarm/no_edit": 1.0, "alarm/sabotage": 0.0}),
        row("stage_one", 6),
        row("stage_one", 10, **{"alarm/no_edit": 1.0}),
        row("stage_one", 15, **{"alarm/no_edit": 0.0}),
        row("stage_two", 5, **{"alarm/sabotage": 1.0}),
    ]
    assert training_alarms(rows) == [
        "Stage I, 2 of 3 evaluations, last at step 10: no edit: second attempts repeat the first.",
        "Stage II, 1 of 1 evaluations, last at step 5: sabotage: first attempts are worse than the "
        "base model's while the gain is larger.",
    ]


def test_an_unknown_alarm_is_told_by_its_name():
    rows = [row("ppo", 3, **{"alarm/too_long": 1})]
    assert training_alarms(rows) == ["Ppo, 1 of 1 evaluations, last at step 3: too long."]


def test_quiet_monitors_and_broken_rows_say_nothing():
    assert training_alarms([row("a", 1, **{"alarm/no_edit": 0.0}), {"alarm/no_edit": None}]) == []
