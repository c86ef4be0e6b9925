from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.methods.reranker.method import RerankerConfig
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.rollout.scripted import ScriptedEngine
from burnish.run.final_reranking import reranking_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Silent
from burnish.run.recipe import EvaluationConfig, Recipe
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

TASK = ArithmeticTask(train_size=4, dev_size=4, test_size=8, min_steps=1, max_steps=2)
TARGETS = {TASK.prompt(problem): TASK.target(problem) for problem in TASK.problems("test")}
METHOD = RerankerConfig()


class ScriptedBench(Workbench):
    """Right for one seed of three, else one wrong answer, which therefore wins the vote."""

    def engine(self, policy):
        def script(prompt: str, seed: int) -> str:
            target = TARGETS[prompt.removeprefix("<bos>")]
            return target if seed % 3 == 0 else "Hm.\nTherefore, the answer is: 0"

        return ScriptedEngine(policy.tokenizer, script)


@pytest.fixture
def run(tmp_path: Path):
    """A recipe, its bench and a run folder whose stages have ended."""
    model = tiny_model("llama", max_positions=512)
    model.save(tmp_path / "tiny")
    recipe = Recipe(
        description="Reranking.",
        seed=1,
        model=ModelConfig(name=str(tmp_path / "tiny")),
        task=TASK,
        method=METHOD,
        lengths=LengthConfig(max_prompt_tokens=300, max_new_tokens=200),
        compute=ComputeConfig(device="cpu", dtype="float32"),
        evaluation=EvaluationConfig(num_samples=6),
    )
    plain = recipe.workbench()
    bench = ScriptedBench(
        model=plain.model,
        task=plain.task,
        grader=plain.grader,
        lengths=plain.lengths,
        compute=plain.compute,
        seed=plain.seed,
    )
    folder = RunFolder(tmp_path / "run")
    stage = folder.stage(2, "reranker")
    bench.start_verifier().save(stage / "selected")
    (stage / "stage.json").write_text(json.dumps({"steps": 5, "selected_step": 3}))
    return recipe, bench, folder


def results_of(run) -> Any:
    recipe, bench, folder = run
    return reranking_results(recipe, METHOD, bench, folder, progress=Silent())


def set_values(run, value_of) -> None:
    """Replace what the reranker thinks by a function of a sample's verdict."""
    _, _, folder = run
    sampled = folder.stage(1, "samples") / "test" / "policy-sampled.json"
    rows = json.loads(sampled.read_text())
    values = [[value_of(sample["verdict"]) for sample in row["samples"]] for row in rows]
    (folder.stage(2, "reranker") / "test" / "values.json").write_text(json.dumps(values))


def test_a_perfect_reranker_reaches_pass_at_k_and_beats_the_vote(run):
    results_of(run)
    set_values(run, lambda verdict: float(verdict["is_correct"]))
    results = results_of(run)
    policy = results["policy"]
    assert policy["rerank@6"]["value"] == policy["pass@6"]["value"] > policy["vote@6"]["value"]
    paired = results["paired"]["rerank@6 - vote@6"]
    gain = policy["rerank@6"]["value"] - policy["vote@6"]["value"]
    assert paired["difference"] == pytest.approx(gain)
    assert results["paired_p"] == paired["p"] < 0.1
    assert results["reranker"]["auc"] == results["reranker"]["judged_right"] == 1.0


def test_a_reranker_that_prefers_wrong_samples_is_reported_as_it_is(run):
    results_of(run)
    set_values(run, lambda verdict: float(not verdict["is_correct"]))
    results = results_of(run)
    assert results["reranker"]["auc"] == 0.0
    assert results["policy"]["rerank@6"]["value"] <= results["policy"]["vote@6"]["value"]


def test_the_entry_of_the_policy_has_what_tables_show(run):
    results = results_of(run)
    assert {"greedy", "vote@6", "pass@6", "rerank@6"} <= results["policy"].keys()
    assert (results["test_size"], results["reranker"]["selected_step"]) == (8, 3)
    _, _, folder = run
    shown = (folder.path / "samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["stage"] for line in shown] == ["policy"] * 8


def test_nothing_is_asked_or_judged_twice(run):
    recipe, _, folder = run
    first = results_of(run)
    shutil.rmtree(folder.stage(2, "reranker") / "selected")
    shutil.rmtree(recipe.model.name)
    assert results_of(run) == first
