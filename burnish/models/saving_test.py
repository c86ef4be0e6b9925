import errno

import pytest

from burnish.errors import CheckpointError
from burnish.models.saving import complete_folder
from burnish.models.tiny import tiny_model


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_only_when_complete(tmp_path):
    with complete_folder(tmp_path / "model") as partial:
        (partial / "a").write_text("1")
        assert not (tmp_path / "model").exists()
    assert names(tmp_path) == ["model"]
    assert (tmp_path / "model" / "a").read_text() == "1"


def test_a_new_folder_replaces_the_old_one_entirely(tmp_path):
    for name in ("a", "b"):
        with complete_folder(tmp_path / "model") as partial:
            (partial / name).write_text(name)
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["b"]


def test_parents_are_made(tmp_path):
    with complete_folder(tmp_path / "x" / "y" / "model"):
        pass
    assert (tmp_path / "x" / "y" / "model").is_dir()


def test_a_full_disk_leaves_the_old_folder_and_nothing_else(tmp_path):
    with complete_folder(tmp_path / "model") as partial:
        (partial / "a").write_text("old")

    def fill():
        with complete_folder(tmp_path / "model") as partial:
            (partial / "a").write_text("new")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CheckpointError, match="No space left on device"):
        fill()
    assert names(tmp_path) == ["model"]
    assert (tmp_path / "model" / "a").read_text() == "old"


def test_a_full_disk_while_writing_weights_is_one_clear_error(tmp_path, monkeypatch):
    import safetensors

    def refuse(*_args, **_options):
        raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("transformers.modeling_utils.safe_save_file", refuse)
    with pytest.raises(CheckpointError, match="model: could not be written"):
        tiny_model("llama").save(tmp_path / "model")
    assert names(tmp_path) == []
