"""`burnish repro`: exit code 1 where the step fails again, what would help where it does not."""

from __future__ import annotations

import pytest

from burnish.cli.repro import run_repro
from burnish.run.repro_test import exploded


def test_setting_that_helps_is_seen(tmp_path, model_folder, capsys):
    left, _ = exploded(tmp_path, model_folder)

    run_repro(left, ["method.optimizer.learning_rate=0.001"])

    assert "does not fail with method.optimizer.learning_rate=0.001" in capsys.readouterr().out


def test_command_ends_with_1_where_the_step_fails_again(tmp_path, model_folder, capsys):
    left, _ = exploded(tmp_path, model_folder)

    with pytest.raises(SystemExit, match="1"):
        run_repro(left, [])

    assert "first output that was not finite" in capsys.readouterr().out
