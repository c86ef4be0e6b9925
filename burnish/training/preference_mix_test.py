from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from pydantic import TypeAdapter

from burnish.data.feedback.simulated import RatersConfig
from burnish.data.tasks.replies import RepliesTask
from burnish.errors import ConfigError
from burnish.training.preference_mix import (
    ROWS_FILE,
    SOURCES_FILE,
    MixedRow,
    PreferenceMixConfig,
    fit_mixed,
    mixed_preferences,
    sources_of,
)
from burnish.training.row_files import read_rows
from burnish.training.stage import StageRun
from burnish.types import Preference

TASK = RepliesTask(train_size=12, dev_size=5, test_size=2, raters=RatersConfig(noise=0.0))
SOURCES = TypeAdapter(dict[str, dict[str, float]])


@pytest.fixture
def bench(attempts_bench):
    return replace(attempts_bench, task=TASK)


@pytest.fixture
def judged():
    """A label for each train problem, two of three for one."""
    problems = TASK.problems("train")
    rows = [Preference(p, "Hi.", "No.", probability=0.75, source="ai:judge") for p in problems]
    return [*rows, replace(rows[0], chosen="Hi!", weight=3.0)]


def no_metrics(model, rows, scores):
    return {}


def test_people_stand_behind_the_judge_with_weights_and_sources_of_their_own(bench, judged):
    config = PreferenceMixConfig(judge_weight=0.5, human_weight=2.0, human_labels=4, dev_share=0.25)
    mixed = mixed_preferences(judged, bench, config)
    people = [p for p in mixed.train if p.source == "simulated"]
    assert [p.problem.id for p in people] == [p.id for p in TASK.problems("train")[:4]]
    assert {p.weight for p in people} == {2.0}
    ours = [p for p in (*mixed.train, *mixed.dev) if p.source == "ai:judge"]
    assert sorted(p.weight for p in ours) == [0.5] * 12 + [1.5]
    assert {p.probability for p in ours} == {0.75}
    assert sources_of(mixed.train)["simulated"] == {"rows": 4.0, "weight": 8.0}


def test_model_is_selected_by_problems_that_it_does_not_learn(bench, judged):
    mixed = mixed_preferences(judged, bench, PreferenceMixConfig(dev_share=0.25))
    train, dev = ({p.problem.id for p in rows} for rows in (mixed.train, mixed.dev))
    assert not train & dev
    assert len(dev) == 3
    assert len(train) == 9
    assert {p.source for p in (*mixed.train, *mixed.dev)} == {"ai:judge"}


def test_all_of_the_tasks_comparisons_are_mixed_in_for_null(bench, judged):
    mixed = mixed_preferences(judged, bench, PreferenceMixConfig(human_labels=None))
    assert sources_of(mixed.train)["simulated"]["rows"] == 12.0
    assert sources_of(mixed.dev)["simulated"]["rows"] == 5.0


def test_task_without_comparisons_has_none_to_mix_in(attempts_bench, judged):
    with pytest.raises(ConfigError, match="the task of this recipe has no comparisons"):
        mixed_preferences(judged, attempts_bench, PreferenceMixConfig(human_labels=3))


def test_stage_learns_and_says_who_taught_it(bench, judged, tmp_path):
    config = PreferenceMixConfig.model_validate(
        {
            "human_labels": 6,
            "fit": {"epochs": 4, "batch_size": 6, "optimizer": {"learning_rate": 3e-3}},
        }
    )
    run = StageRun("preference_model", tmp_path, seed=1, artifacts={})
    mixed = mixed_preferences(judged, bench, config)
    stage = fit_mixed(run, bench=bench, mixed=mixed, config=config, start=None, metrics=no_metrics)
    found = [result.metrics for result in islice(stage, 11)]
    assert found[0]["data/rows_by_simulated"] == 6.0
    assert found[0]["data/rows_by_ai:judge"] == len(mixed.train) - 6
    (kept,) = read_rows(tmp_path / SOURCES_FILE, SOURCES)
    assert kept == sources_of(mixed.train)
    rows = read_rows(tmp_path / ROWS_FILE, TypeAdapter(MixedRow))
    assert [row.source for row in rows if row.split == "train"] == [p.source for p in mixed.train]
    assert [row.weight for row in rows if row.split == "dev"] == [p.weight for p in mixed.dev]
    assert min(metrics["train/loss"] for metrics in found[-3:]) < found[0]["train/loss"]
    assert run.measure is not None
    assert "dev/fit" in run.measure()
