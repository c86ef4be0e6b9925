"""Settings for all tests: one torch thread, no network, where the real data lies."""

import os
from pathlib import Path
from statistics import fmean

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_folder():
    """The folder with real data sets; tests that need it skip, saying so, where it is missing."""
    default = Path(__file__).parent.parent / "shared" / "data"
    folder = Path(os.environ.get("BURNISH_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}: set BURNISH_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama, saved as the models of users are."""
    from burnish.models.tiny import tiny_model

    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama").save(folder)
    return folder


@pytest.fixture
def attempts_bench(tmp_path_factory: pytest.TempPathFactory):
    """A tiny random Llama with room for two turns, of whose attempts about half are right."""
    from burnish.data.tasks.arithmetic import ArithmeticTask
    from burnish.models.config import ModelConfig
    from burnish.models.tiny import tiny_model
    from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench
    from burnish.types import GraderFailure, Score

    class EvenTokens:
        """Right are attempts with more even token ids than odd ones."""

        def grade(self, pairs) -> list[Score | GraderFailure]:
            shares = [fmean(i % 2 == 0 for i in completion.token_ids) for _, completion in pairs]
            return [Score(share, share > 0.5, f"{share:.2f}") for share in shares]

    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return Workbench(
        model=ModelConfig(name=str(folder)),
        task=ArithmeticTask(train_size=6, dev_size=4, test_size=2, min_steps=1, max_steps=2),
        grader=EvenTokens(),
        lengths=LengthConfig(max_prompt_tokens=200, max_new_tokens=6),
        compute=ComputeConfig(dtype="float32", device="cpu"),
        seed=3,
        num_dev=3,
    )


@pytest.fixture
def steps_bench(tmp_path_factory: pytest.TempPathFactory):
    """A tiny random Llama whose engine solves in steps as scripted; it counts what it is asked.

    Of a question, for one seed of three each: no idea, the annotation with a wrong end, all of it.
    What begins as the annotation does is completed rightly for even seeds, all else never.
    """
    from burnish.data.tasks.arithmetic import ArithmeticTask
    from burnish.graders.config import default_grader_config
    from burnish.models.config import ModelConfig
    from burnish.models.tiny import tiny_model
    from burnish.rollout.scripted import ScriptedEngine
    from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

    task = ArithmeticTask(
        train_size=24, dev_size=8, test_size=4, min_steps=2, max_steps=2, spelled_share=1.0
    )
    targets = {
        task.prompt(problem): task.target(problem)
        for split in ("train", "dev", "test")
        for problem in task.problems(split)
    }

    class ScriptedBench(Workbench):
        num_asked = 0

        def engine(self, policy):
            return ScriptedEngine(policy.tokenizer, self.solve_or_complete)

        def solve_or_complete(self, prompt: str, seed: int) -> str:
            type(self).num_asked += 1
            prompt = prompt.removeprefix("<bos>")
            question = next(text for text in targets if prompt.startswith(text))
            begun, target = prompt.removeprefix(question), targets[question]
            wrong = "\nTherefore, the answer is: 0"
            if not begun:
                return ("Hm." + wrong, target[: target.rindex(":")] + ": 0", target)[seed % 3]
            return (
                target.removeprefix(begun) if target.startswith(begun) and not seed % 2 else wrong
            )

    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return ScriptedBench(
        model=ModelConfig(name=str(folder)),
        task=task,
        grader=default_grader_config("numeric").build(),
        lengths=LengthConfig(max_prompt_tokens=300, max_new_tokens=200),
        compute=ComputeConfig(device="cpu", dtype="float32", max_tokens_per_batch=2000),
        seed=1,
    )
