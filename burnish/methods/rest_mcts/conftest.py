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
    train_size=6, dev_size=3, test_size=2, min_steps=2, max_steps=2, spelled_share=1.0
)
TARGETS = {
    TASK.prompt(problem): TASK.target(problem)
    for split in ("train", "dev", "test")
    for problem in TASK.problems(split)
}


def solve_or_complete(prompt: str, seed: int) -> str:
    """For even seeds what the annotation says next, for odd ones a wrong answer at once."""
    question = next(text for text in TARGETS if prompt.startswith(text))
    begun, target = prompt.removeprefix(question), TARGETS[question]
    if target.startswith(begun) and seed % 2 == 0:
        return target.removeprefix(begun)
    return "Hm.\nTherefore, the answer is: 0"


class ScriptedBench(Workbench):
    """Says what the script says."""

    def engine(self, policy):
        return ScriptedEngine(
            policy.tokenizer, lambda text, seed: solve_or_complete(text.removeprefix("<bos>"), seed)
        )


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return folder


@pytest.fixture
def bench(model_folder):
    torch.manual_seed(0)
    return ScriptedBench(
        model=ModelConfig(name=str(model_folder)),
        task=TASK,
        grader=default_grader_config("numeric").build(),
        lengths=LengthConfig(max_prompt_tokens=300, max_new_tokens=200),
        compute=ComputeConfig(device="cpu", dtype="float32", max_tokens_per_batch=2000),
        seed=1,
    )
