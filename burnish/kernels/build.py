"""Compiles a file of kernels with the machine's own C++ compiler, once, in about two seconds.

Where there is none, torch's own operations do the work: slower, and the same within rounding.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

_FOLDER = Path(__file__).parent
# Not -ffast-math: infinities mark what is masked, and a NaN has to stay one.
_FLAGS = (
    *("-O3", "-march=native", "-std=c++17", "-fopenmp", "-shared", "-fPIC"),
    *("-fno-math-errno", "-fno-trapping-math"),
)


@functools.cache
def compiled_library(name: str) -> ctypes.CDLL | None:
    """The library of `<name>.cpp` for this machine; None where it cannot be made.

    It is kept in the user's cache folder under the hash of source, flags, compiler and processor.
    """
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    folder = Path.home() / ".cache" / "burnish" / "kernels"
    source = _FOLDER / f"{name}.cpp"
    try:
        library = folder / f"{name}-{_fingerprint(compiler, source)}.so"
        if not library.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _compile(compiler, source, library)
        return ctypes.CDLL(str(library))
    except (OSError, subprocess.SubprocessError):
        return None


def _compile(compiler: str, source: Path, library: Path) -> None:
    """Beside its place first, so that a killed or second process leaves no half a library."""
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        made = Path(scratch) / library.name
        command = [compiler, *_FLAGS, str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        made.replace(library)


def _fingerprint(compiler: str, source: Path) -> str:
    version = subprocess.run(
        [compiler, "--version"], check=False, capture_output=True, text=True
    ).stdout
    texts = [path.read_text(encoding="utf-8") for path in (source, *sorted(_FOLDER.glob("*.h")))]
    parts = (*texts, *_FLAGS, version, _processor())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """What `-march=native` depends on: a cache folder may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return "".join(line for line in lines if line.startswith(("model name", "flags")))[:4096]
