from __future__ import annotations

import io

from rich.console import Console

from burnish.run.progress import ConsoleProgress


def lines_of(*, steps: int, dev_at: tuple[int, ...] = ()) -> list[str]:
    text = io.StringIO()
    with ConsoleProgress(Console(file=text, width=200)) as progress:
        progress.stage("reft", 0, steps)
        for step in range(1, steps + 1):
            dev = {"dev/accuracy": 0.5} if step in dev_at else {}
            progress.step(step, {"rollout/reward": step / 8, "other": 1.0} | dev)
        progress.note("testing")
    return text.getvalue().splitlines()


def test_short_stage_has_a_plain_line_for_every_step():
    assert lines_of(steps=2) == ["reft 1/2  reward 0.125", "reft 2/2  reward 0.25", "testing"]


def test_long_stage_has_some_twenty_lines_and_one_for_each_evaluation():
    lines = lines_of(steps=400, dev_at=(7, 20))
    assert len(lines) == 20 + 1 + 1
    assert lines[0] == "reft 7/400  reward 0.875  dev 0.5"


def test_warning_is_shown_as_it_is():
    text = io.StringIO()
    with ConsoleProgress(Console(file=text, width=200)) as progress:
        progress.warn("runs/[a]: checkpoint step-000002 is damaged")
    assert text.getvalue() == "warning: runs/[a]: checkpoint step-000002 is damaged\n"


def test_terminal_gets_a_bar_and_no_lines():
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True)
    with ConsoleProgress(console) as progress:
        progress.stage("reft", 3, 10)
        progress.step(4, {"rollout/reward": 0.125})
    shown = text.getvalue()
    assert "4/10" in shown
    assert "reward 0.125" in shown
    assert "reft 4/10" not in shown
