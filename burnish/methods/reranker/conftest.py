"""A bench whose engine says what a script says, on a tiny random model."""

import pytest
import torch

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.graders.config import default_grader_config
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.rollout.scripted import ScriptedEngine
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

TASK = ArithmeticTask(train_size=10, dev_size=6, test_size=6, min_steps=1, max_steps=2)
TARGETS = {
    TASK.prompt(p): TASK.target(p)
    for split in ("train", "dev", "test")
    for p in TASK.problems(split)
}


def right_or_wrong(prompt, seed):
    """Right for two seeds of five, wrong in two ways for the others."""
    if seed % 5 < 2:
        return TARGETS[prompt]
    return "No idea.\nTherefore, the answer is: 0" if seed % 5 < 4 else "No idea."


class ScriptedBench(Workbench):
    """Counts what it is asked."""

    script = staticmethod(right_or_wrong)
    num_asked = 0

    def engine(self, policy):
        def counted(prompt, seed):
            type(self).num_asked += 1
            return type(self).script(prompt.removeprefix("<bos>"), seed)

        return ScriptedEngine(policy.tokenizer, counted)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return folder


@pytest.fixture
def bench(model_folder):
    class Bench(ScriptedBench):
        pass

    torch.manual_seed(0)
    return Bench(
        model=ModelConfig(name=str(model_folder)),
        task=TASK,
        grader=default_grader_config("numeric").build(),
        lengths=LengthConfig(max_prompt_tokens=300, max_new_tokens=200),
        compute=ComputeConfig(device="cpu", dtype="float32", max_tokens_per_batch=2000),
        seed=1,
    )
