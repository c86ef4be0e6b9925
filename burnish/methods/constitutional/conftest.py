"""A tiny random model, the task of replies, and an engine that says what it is told to."""

import re
from typing import ClassVar

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.graders.config import default_grader_config
from burnish.methods.constitutional.constitution import load_constitution
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.rollout.scripted import ScriptedEngine
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench


class TalkingBench(Workbench):
    """Its policy answers, criticises and revises as below; it keeps what it was asked.

    A critique names the principle's request, a revision says the answer again with one word more.
    Of questions in which Ben stands, `BEN` is said in place of what is asked for.
    """

    asked: ClassVar[list[str]] = []
    ben: ClassVar[dict[str, str]] = {}

    def engine(self, policy):
        return ScriptedEngine(policy.tokenizer, self.say)

    def say(self, prompt: str, seed: int) -> str:
        self.asked.append(prompt.removeprefix("<bos>"))
        what = next(
            (w for w in ("Revision", "Critique") if prompt.rstrip().endswith(f"{w}:")), "Answer"
        )
        if what in self.ben and "Ben" in prompt:
            return self.ben[what]
        if what == "Answer":
            return f"There are {seed % 7} cups."
        if what == "Critique":
            found = re.findall(r"Critique request: (.*)", prompt)[-1]
            return f" About: {found}"
        answer = re.findall(r"Reply: (.*)", prompt)[-1]
        return f" {answer} Good luck."


@pytest.fixture
def talking_bench(tmp_path_factory: pytest.TempPathFactory):
    TalkingBench.asked.clear()
    TalkingBench.ben.clear()
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=2048).save(folder)
    return TalkingBench(
        model=ModelConfig(name=str(folder)),
        task=RepliesTask(train_size=16, dev_size=4, test_size=6),
        grader=default_grader_config("open").build(),
        lengths=LengthConfig(max_prompt_tokens=400, max_new_tokens=120),
        compute=ComputeConfig(device="cpu", dtype="float32", max_tokens_per_batch=8000),
        seed=1,
    )


@pytest.fixture
def constitution():
    return load_constitution("builtin:replies")
