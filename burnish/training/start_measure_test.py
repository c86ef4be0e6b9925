from __future__ import annotations

from burnish.training.stage import StageRun
from burnish.training.start_measure import measured_start


def test_the_start_is_measured_once_and_then_read_back(tmp_path):
    numbers = iter([{"dev/gold": 0.5}, {"dev/gold": 0.9}])
    run = StageRun("rl", tmp_path / "rl", seed=1, artifacts={})
    assert measured_start(run, lambda: next(numbers)) == {"dev/gold": 0.5}
    assert measured_start(run, lambda: next(numbers)) == {"dev/gold": 0.5}
    assert next(numbers) == {"dev/gold": 0.9}
