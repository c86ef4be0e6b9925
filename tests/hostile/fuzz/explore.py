"""Look for input that a parser cannot explain, guided by coverage: `explore.py rows 60`.

Needs atheris (`pip install 'burnish[fuzz]'`). It stops at the first input that ends in anything but
a BurnishError, and prints it. What it finds becomes a seed in `corpus.py` and is mended.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[3]))
with atheris.instrument_imports(include=["burnish", "yaml", "json"]):  # pyright: ignore
    from tests.hostile.fuzz.corpus import SEEDS, WORDS
    from tests.hostile.fuzz.targets import TARGETS


def main(name: str, seconds: str) -> None:
    """Fuzz one target for so many seconds."""
    target = TARGETS[name]

    def one(data: bytes) -> None:
        try:
            target(data)
        except BaseException:
            print(f"found by {name}: {data!r}", flush=True)
            raise

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS[name]):
            Path(folder, f"{number}").write_bytes(seed)
        words = Path(folder, "words")
        quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
        words.write_text("".join(f'"{word}"\n' for word in quoted), encoding="ascii")
        options = [f"-max_total_time={seconds}", f"-dict={words}", "-max_len=2000", "-seed=1"]
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:3])
