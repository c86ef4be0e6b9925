from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import ModelError
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.models.config import ModelConfig
from burnish.models.process_reward_model import start_process_reward
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.rollout.scripted import ScriptedEngine
from burnish.run.final_process_reward import process_reward_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Silent
from burnish.run.recipe import EvaluationConfig, Recipe
from burnish.search.steps import SentenceSteps
from burnish.training.monte_carlo import MonteCarloConfig
from burnish.training.stage import StageRun
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

TASK = ArithmeticTask(train_size=2, dev_size=2, test_size=8, min_steps=1, max_steps=2)
TARGETS = {
    TASK.prompt(problem): TASK.target(problem)
    for split in ("train", "dev", "test")
    for problem in TASK.problems(split)
}
METHOD = ProcessRewardConfig(
    steps=SentenceSteps(),
    data=MonteCarloConfig(num_solutions=3, num_dev_solutions=3, num_completions=2),
)


class ScriptedBench(Workbench):
    """Right for one seed of three, else one wrong answer, which therefore wins the vote."""

    def engine(self, policy):
        def script(prompt: str, seed: int) -> str:
            target = TARGETS.get(prompt.removeprefix("<bos>"))
            wrong = "Hm. So.\nTherefore, the answer is: 0"
            return target if target is not None and seed % 3 == 0 else wrong

        return ScriptedEngine(policy.tokenizer, script)


@pytest.fixture
def run(tmp_path: Path):
    """A recipe, its bench and a run folder whose stages have ended."""
    tiny_model("llama", max_positions=512).save(tmp_path / "tiny")
    recipe = Recipe(
        description="Values.",
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
    labels = StageRun("labels", folder.stage(1, "labels"), seed=1, artifacts={})
    for _ in METHOD.stages(bench)[0].run(labels):
        pass
    fitted = folder.stage(2, "process_reward")
    bench.start_process_reward(None, head="hidden").save(fitted / "selected")
    (fitted / "stage.json").write_text(json.dumps({"steps": 5, "selected_step": 3}))
    return recipe, bench, folder


def results_of(run) -> Any:
    recipe, bench, folder = run
    stages = METHOD.stages(bench)
    return process_reward_results(recipe, METHOD, bench, folder, stages, progress=Silent())


def set_values(run, values_of) -> None:
    """Replace what the value model thinks by a function of a sample's verdict."""
    _, _, folder = run
    test = folder.stage(2, "process_reward") / "test"
    rows = json.loads((test / "policy-sampled.json").read_text())
    found = json.loads((test / "step_values.json").read_text())
    found["samples"] = [[values_of(s["verdict"]["is_correct"]) for s in r["samples"]] for r in rows]
    (test / "step_values.json").write_text(json.dumps(found))


def test_each_aggregation_chooses_by_its_own_number(run):
    results_of(run)
    set_values(run, lambda is_right: [0.9, 0.1, 0.8] if is_right else [0.5, 0.4, 0.6])
    results = results_of(run)
    policy, quality = results["policy"], results["process_reward"]
    best = policy["pass@6"]["value"]
    assert policy["rerank@6 last"]["value"] == policy["rerank@6 mean"]["value"] == best
    assert policy["rerank@6 min"]["value"] < policy["vote@6"]["value"] + 0.5 < best + 0.5
    assert quality["auc"] == {"min": 0.0, "product": 0.0, "last": 1.0, "mean": 1.0}
    lift = results["best_of_n"]["last"]["lift"]
    assert lift["difference"] == pytest.approx(best - policy["accuracy"]["value"])
    assert lift["low"] <= lift["difference"] <= lift["high"]
    assert (
        results["paired"]["rerank@6 last - vote@6"] == results["best_of_n"]["last"]["against_vote"]
    )


def test_an_undecided_model_is_reported_as_it_is(run):
    quality = results_of(run)["process_reward"]
    assert (quality["steps"], quality["selected_step"]) == (5, 3)
    (point,) = quality["calibration"]
    assert (point["low"], point["value"]) == (0.5, 0.5)
    assert quality["mse"] == pytest.approx(0.25)
    assert quality["auc"]["min"] == 0.5


def test_a_reranker_can_stand_beside_it(run, tmp_path):
    recipe, bench, folder = run
    bench.start_verifier().save(tmp_path / "reranker")
    method = METHOD.model_copy(update={"outcome": tmp_path / "reranker"})
    results: Any = process_reward_results(
        recipe, method, bench, folder, METHOD.stages(bench), progress=Silent()
    )
    assert list(results["best_of_n"]) == ["min", "product", "last", "mean", "outcome"]
    assert "rerank@6 outcome" in results["policy"]


def test_nothing_is_asked_or_judged_twice(run):
    recipe, _, folder = run
    first = results_of(run)
    shutil.rmtree(folder.stage(2, "process_reward") / "selected")
    shutil.rmtree(recipe.model.name)
    assert results_of(run) == first


def test_a_value_model_of_another_tokenizer_than_the_policys_is_refused(run):
    _, bench, folder = run
    start = tiny_model("llama", tokenizer=byte_level_tokenizer(300, starts_with_bos=True))
    model = start_process_reward(start, head="hidden", compute_dtype=bench._dtype)
    model.save(folder.stage(2, "process_reward") / "selected")
    with pytest.raises(ModelError, match="is not that of the policy"):
        results_of(run)
