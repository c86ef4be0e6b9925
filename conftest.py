"""Settings for all tests: one torch thread, no network, where the real data lies."""

import os
from pathlib import Path

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
