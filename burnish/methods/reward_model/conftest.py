"""A bench with a tiny random model and the task of replies."""

import pytest
import torch

from burnish.data.feedback.simulated import RatersConfig
from burnish.data.tasks.replies import RepliesTask
from burnish.graders.config import default_grader_config
from burnish.models.config import ModelConfig
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

TASK = RepliesTask(train_size=16, dev_size=8, test_size=8, raters=RatersConfig(noise=0.0))


@pytest.fixture
def bench(model_folder):
    torch.manual_seed(0)
    return Workbench(
        model=ModelConfig(name=str(model_folder)),
        task=TASK,
        grader=default_grader_config("open").build(),
        lengths=LengthConfig(max_prompt_tokens=300, max_new_tokens=200),
        compute=ComputeConfig(device="cpu", dtype="float32", max_tokens_per_batch=4000),
        seed=1,
    )
