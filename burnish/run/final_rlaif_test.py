from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from burnish.errors import GraderError
from burnish.graders.model_client.scripted_server import Reply, ScriptedServer
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe

FAST = {"learning_rate": 1e-3, "schedule": "constant", "warmup_ratio": 0}
SFT = {"epochs": 1, "batch_size": 8, "optimizer": FAST}
REINFORCE = {
    "num_steps": 2,
    "batch_size": 4,
    "eval_every": 1,
    "max_logp_gap": 1e9,
    "optimizer": FAST,
}
FIT = {"fit": {"batch_size": 8, "optimizer": FAST}}
REPLIES = {"type": "replies", "train_size": 8, "dev_size": 4, "test_size": 5}
LIKES_LENGTH = {"type": "simulated", "length_bias": 0.5}


@pytest.fixture
def server():
    server = ScriptedServer()
    yield server
    server.close()


def recipe_of(model_folder: Path, task: dict[str, Any], **method: object) -> Recipe:
    return Recipe.model_validate(
        {
            "description": "A test.",
            "seed": 1,
            "model": {"name": str(model_folder)},
            "task": task,
            "method": method,
            "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 8},
            "compute": {"dtype": "float32", "device": "cpu"},
        }
    )


def results(recipe: Recipe, folder: Path, *, resume: bool = False) -> dict[str, Any]:
    return Driver(recipe, folder, progress=Silent()).run(resume=resume)


def says(**likely: float) -> Reply:
    """A reply whose first token has these log-probabilities."""
    top = [{"token": name.strip("_"), "logprob": logprob} for name, logprob in likely.items()]
    choice = {"message": {"content": ""}, "logprobs": {"content": [{"top_logprobs": top}]}}
    usage = {"prompt_tokens": 50, "completion_tokens": 1}
    return Reply({"choices": [choice], "usage": usage})


def judge_at(server: ScriptedServer, cache: Path) -> dict[str, Any]:
    model = {
        "type": "endpoint",
        "model": "judge",
        "base_url": server.url,
        "api_key_env": None,
        "cache_folder": str(cache),
        "max_retries": 0,
        "max_concurrent": 1,
    }
    return {"type": "model", "model": model}


def test_rlaif_reports_answers_labels_and_the_reward_model(model_folder, tmp_path):
    recipe = recipe_of(
        model_folder,
        REPLIES,
        type="rlaif",
        sft=SFT,
        labels={"audit": 3},
        judge=LIKES_LENGTH,
        reward_model=FIT,
        reinforce=REINFORCE,
    )
    found = results(recipe, tmp_path / "run")
    for name in ("sft", "rlaif"):
        assert {"gold", "proxy", "kl", "length"} < set(found[name]["answers"])
    assert found["sft"]["answers"]["kl"]["value"] == 0.0
    assert [point["step"] for point in found["rlaif"]["curve"]] == [0, 1, 2]
    label = found["judging"]["label"]
    assert (label["judges"], label["audited"]) == (["simulated"], 3)
    assert label["same_position"] == 0.0
    assert "accuracy" in found["reward_model"]["test"]


def test_direct_rlaif_reports_what_the_judge_has_read(model_folder, tmp_path, server):
    server.script = [says(_7=-0.1)]
    recipe = recipe_of(
        model_folder,
        REPLIES,
        type="direct_rlaif",
        judge=judge_at(server, tmp_path / "cache"),
        reinforce=REINFORCE,
    )
    found = results(recipe, tmp_path / "run")
    assert found["direct_rlaif"]["answers"]["proxy"]["value"] == pytest.approx(2 * 6 / 9 - 1)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    steps = [row["judge/tokens"] for row in map(json.loads, lines)]
    assert steps[1] == 4 * 51
    assert found["judging"]["direct_rlaif"]["judge_tokens"] == sum(steps)


@pytest.mark.parametrize("name", ["iterative_dpo", "best_of_n_distillation"])
def test_rounds_report_answers_and_the_cost_of_judging(model_folder, tmp_path, name):
    method: dict[str, Any] = {"judge": {"type": "pairs", "by": LIKES_LENGTH}, "sft": SFT}
    if name == "iterative_dpo":
        method |= {"rounds": 1, "train": {"batch_size": 8, "optimizer": FAST}}
    recipe = recipe_of(model_folder, REPLIES, type=name, **method)
    found = results(recipe, tmp_path / "run")
    last = "train_1" if name == "iterative_dpo" else "distil"
    judged = "judge_1" if name == "iterative_dpo" else "judge"
    assert {"gold", "kl", "length"} < set(found[last]["answers"])
    assert "proxy" not in found[last]["answers"]
    assert found["judging"][judged]["judge_tokens"] == 0
    assert found[last]["curve"]


def test_people_s_rows_are_labelled_by_a_server_that_may_go_down_and_come_back(
    model_folder, tmp_path, server
):
    """A task without a true reward or a grader; the judge dies inside labelling."""
    rows = [
        {"prompt": f"Q{n}?", "chosen": f"It is {n}, surely.", "rejected": "No."} for n in range(12)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    task = {"type": "feedback_rows", "train": str(path), "test": str(path), "dev_share": 0.3}
    labels = {"batch_size": 3, "audit": 2}

    def recipe(cache: str) -> Recipe:
        judge = judge_at(server, tmp_path / cache)
        mix = FIT | {"human_labels": None}
        return recipe_of(
            model_folder,
            task,
            type="rlaif",
            labels=labels,
            judge=judge,
            reward_model=mix,
            reinforce=REINFORCE,
        )

    told, down = says(_1=-0.1, _2=-3.0), Reply({"error": "busy"}, status=429)
    left = iter(range(9))
    server.script = lambda body: told if next(left, None) is not None else down
    with pytest.raises(GraderError, match="HTTP 429"):
        results(recipe("cache"), tmp_path / "run")
    num_before = len(server.requests) - 1
    server.script = [told]
    found = results(recipe("cache"), tmp_path / "run", resume=True)
    counts = found["judging"]["label"]
    assert len(server.requests) - 1 == 2 * (counts["pairs"] + counts["audited"])
    assert num_before == 9
    assert counts["same_position"] == 1.0
    assert set(found["rlaif"]["answers"]) >= {"proxy", "kl", "length"}
    assert "gold" not in found["rlaif"]["answers"]
