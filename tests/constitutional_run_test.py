"""Whole runs of Constitutional AI with the built-in model of replies: stopping changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from interrupting import Interrupting, Killed

from burnish.methods.constitutional.transcripts import read_transcripts
from burnish.report.build import write_report
from burnish.run.driver import Driver, Stopped
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe

OPTIMIZER = {"learning_rate": 1e-4, "schedule": "constant", "warmup_ratio": 0.0}
RECIPE: dict[str, Any] = {
    "description": "A tiny run.",
    "seed": 5,
    "model": {"name": "builtin:replies"},
    "task": {"type": "replies", "train_size": 12, "dev_size": 4, "test_size": 5},
    "method": {
        "type": "constitutional",
        "constitution": "builtin:replies",
        "revise": {"rounds": 2, "batch_size": 4, "dialogue": {"exemplars": None}},
        "supervise": {"batch_size": 8, "optimizer": OPTIMIZER},
        "labels": {"batch_size": 4},
        "feedback": {"principles_per_pair": 2},
        "preference_model": {"human_labels": 6, "fit": {"batch_size": 8, "optimizer": OPTIMIZER}},
        "reinforce": {"num_steps": 2, "batch_size": 4, "optimizer": OPTIMIZER},
    },
    "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 48},
    "compute": {"dtype": "float32", "device": "cpu"},
    "checkpoint_every": 2,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, Driver(recipe(), folder, progress=Silent()).run(resume=False)


def recipe() -> Recipe:
    return Recipe.model_validate(RECIPE)


def curves(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{k: v for k, v in row.items() if not k.endswith("time_s")} for row in rows]


@pytest.mark.parametrize(
    ("stage", "step", "kill"),
    [("revise", 5, True), ("label", 1, False)],
)
def test_interrupted_run_ends_as_one_that_was_not(stage, step, kill, finished, tmp_path):
    whole, results = finished
    progress = Interrupting(stage, step, kill=kill)
    with pytest.raises(Killed if kill else Stopped):
        Driver(recipe(), tmp_path / "run", progress=progress).run(resume=False)
    again = Driver(recipe(), tmp_path / "run", progress=Silent()).run(resume=True)
    assert {**again, "seconds": 0} == {**results, "seconds": 0}
    assert curves(tmp_path / "run") == curves(whole)
    (made,) = (tmp_path / "run").glob("stages/*-revise/transcripts.jsonl")
    (kept,) = whole.glob("stages/*-revise/transcripts.jsonl")
    assert made.read_bytes() == kept.read_bytes()


def test_results_have_a_card_for_each_principle_and_the_worth_of_each_revision(finished):
    _, results = finished
    card = results["scorecard"]
    assert (card["start"], card["judge"]) == ("base", "builtin:replies")
    assert list(card["models"]) == ["revised", "sl_cai", "rl_cai"]
    for model in card["models"].values():
        assert list(model["principles"]) == ["helpful", "honest", "kind", "brief"]
        for found in model["principles"].values():
            assert 0.0 <= found["preferred"]["low"] <= found["preferred"]["high"] <= 1.0
            assert {"before", "after", "change"} <= found["gold"].keys()
    rounds = results["revisions"]["rounds"]
    assert len(rounds) == 3
    first = card["models"]["rl_cai"]["gold"]["before"]["value"]
    assert rounds[0]["reward"]["value"] == pytest.approx(first)
    revised = card["models"]["revised"]["gold"]["after"]["value"]
    assert rounds[2]["reward"]["value"] == pytest.approx(revised)


def test_policies_and_the_preference_model_are_reported(finished):
    folder, results = finished
    assert {"base", "sl_cai", "rl_cai"} <= results.keys()
    assert results["sl_cai"]["answers"]["kl"]["value"] == pytest.approx(0.0, abs=1e-5)
    assert "test" in results["reward_models"]["preference_model"]
    assert results["sampled"]["revise"]["critiques"] == 2 * 9
    (sources,) = folder.glob("stages/*-preference_model/sources.json")
    assert set(json.loads(sources.read_text())) == {"ai:builtin:replies", "simulated"}


def test_page_shows_card_and_transcripts(finished):
    folder, _ = finished
    page = write_report(folder).read_text("utf-8")
    assert '<section id="scorecard">' in page
    assert '<section id="revisions">' in page
    (kept,) = folder.glob("stages/*-revise/test/transcripts.jsonl")
    for transcript in read_transcripts(kept):
        assert transcript.question in page
