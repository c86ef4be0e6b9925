from __future__ import annotations

from burnish.models.tiny import tiny_model
from burnish.run.alarms import Alarms
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe


class Listening(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warn(self, text: str) -> None:
        self.heard.append(text)


def test_each_collapse_is_told_when_it_is_first_seen_and_not_again():
    user = Listening()
    alarms = Alarms(user)
    for step, (no_edit, sabotage) in enumerate([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 1.0)]):
        metrics = {"alarm/no_edit": no_edit, "alarm/sabotage": sabotage, "dev/accuracy": 1.0}
        alarms.heed(f"stage_two, step {step}", metrics)
    starts = [text[:27] for text in user.heard]
    assert starts == ["stage_two, step 1: no edit:", "stage_two, step 2: sabotage"]


def test_evaluation_without_alarms_is_silent():
    user = Listening()
    Alarms(user).heed("reft, step 1", {"dev/accuracy": 1.0})
    assert user.heard == []


def test_run_tells_of_a_collapse_once_in_each_stage(tmp_path):
    """A model that knows no token from another: its second attempts repeat the first."""
    model = tiny_model("llama", max_positions=512)
    for parameter in model.network.parameters():
        parameter.data.zero_()
    model.save(tmp_path / "model")
    stage = {"num_steps": 2, "batch_size": 1, "samples_per_problem": 2, "eval_every": 1}
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(tmp_path / "model")},
        "task": {"type": "arithmetic", "train_size": 2, "dev_size": 50, "test_size": 2},
        "method": {
            "type": "score",
            "correction": {"instruction": "Once more."},
            "stage_one": stage,
            "stage_two": stage,
        },
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 1},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    user = Listening()
    Driver(Recipe.from_tree(tree, source="test"), tmp_path / "run", progress=user).run(resume=False)
    told = [text for text in user.heard if ", step" in text]
    assert [text[:27] for text in told] == [
        "stage_one, step 1: no edit:",
        "stage_two, step 1: no edit:",
    ]
