import subprocess
from pathlib import Path

import pytest

from burnish.kernels import build


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A home without a cache, and no memory of earlier calls."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    build.compiled_library.cache_clear()
    yield tmp_path / ".cache" / "burnish" / "kernels"
    build.compiled_library.cache_clear()


def test_without_a_compiler_there_are_no_kernels(fresh, monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda _: None)

    assert build.compiled_library("decode") is None
    assert not fresh.exists()


def test_a_compiler_that_fails_leaves_nothing_behind(fresh, monkeypatch, tmp_path):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(build.shutil, "which", lambda _: str(broken))

    assert build.compiled_library("decode") is None
    assert list(fresh.iterdir()) == []


def test_an_unwritable_home_is_no_error(fresh, monkeypatch, tmp_path):
    (tmp_path / ".cache").write_text("a file, not a folder")

    assert build.compiled_library("decode") is None


@pytest.mark.skipif(build.compiled_library("decode") is None, reason="no C++ compiler")
def test_kernels_are_compiled_once(fresh, monkeypatch):
    assert build.compiled_library("decode") is not None
    build.compiled_library.cache_clear()

    def refuse(*_):
        raise subprocess.SubprocessError

    monkeypatch.setattr(build, "_compile", refuse)

    assert build.compiled_library("decode") is not None
    assert [path.suffix for path in fresh.iterdir()] == [".so"]
