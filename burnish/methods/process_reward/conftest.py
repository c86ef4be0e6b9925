"""A bench whose engine says what a script says, on a tiny random model."""

import pytest
import torch

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.graders.config import default_grader_config
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.rollout.scripted import ScriptedEngine
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

TASK = ArithmeticTask(
    train_size=24, dev_size=8, test_size=4, min_steps=2, max_steps=2, spelled_share=1.0
)
TARGETS = {
    TASK.prompt(problem): TASK.target(problem)
    for split in ("train", "dev", "test")
    for problem in TASK.problems(split)
}
WRONG = "Hm.\nTherefore, the answer is: 0"


def solve_or_complete(prompt: str, seed: int) -> str:
    """Of a question, for one seed of three each: the annotation, one with a wrong end, no idea.

    What begins as the annotation does is completed rightly for even seeds, all else never.
    """
    question = next(text for text in TARGETS if prompt.startswith(text))
    begun, target = prompt.removeprefix(question), TARGETS[question]
    if not begun:
        return (WRONG, target[: target.rindex(":")] + ": 0", target)[seed % 3]
    if target.startswith(begun) and seed % 2 == 0:
        return target.removeprefix(begun)
    return "\nTherefore, the answer is: 0"


class ScriptedBench(Workbench):
    """Counts what it is asked."""

    num_asked = 0

    def engine(self, policy):
        def counted(prompt: str, seed: int) -> str:
            type(self).num_asked += 1
            return solve_or_complete(prompt.removeprefix("<bos>"), seed)

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
