"""`burnish bench`: the measurements beside other libraries, which live in the checkout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import burnish
from burnish.errors import ConfigError

BENCHMARKS = Path(burnish.__file__).parent.parent / "benchmarks"
NAMES = ("rollout", "train", "search", "memory", "breakdown", "sandbox")


def run_benchmark(name: str, arguments: Sequence[str], folder: Path = BENCHMARKS) -> int:
    """Run the script called `name` in `folder`; returns its exit code.

    Raises ConfigError where there is no such benchmark, or no checkout.
    """
    if name not in NAMES:
        raise ConfigError(f"benchmark {name!r}: unknown; there are {', '.join(NAMES)}")
    script = folder / f"{name}.py"
    if not script.is_file():
        raise ConfigError(
            f"{script}: not found. The benchmarks are not installed with the package: take a "
            "checkout of the repository, and in it `pip install -e '.[peers]'` or `make bench`."
        )
    return subprocess.run([sys.executable, str(script), *arguments], check=False).returncode
