"""Peak memory of one supervised update, by the tokens of its batch: ours beside TRL's SFTTrainer.

    python benchmarks/memory.py [--tokens 8192 16384 32768] [--model gemma] [--engines NAME ...]
        [--length N] [--max-tokens-per-batch N] [--threads N] [--json FILE] [--append]

Each number is of a process of its own, in which a first update on a few tokens makes the moments of
the optimizer. The value is by how much the peak of the second update (resident memory, or a CUDA
device's) lies above what the process held before it: gradients and activations, not the model. The
growth per token is that between the smallest and the largest batch that fitted; its ratio is the
one to look at. Weights are float32, matrix products bfloat16; rows have `--length` tokens.

- `burnish` cuts the batch into micro-batches of `--max-tokens-per-batch` tokens, as recipes do by
  default (`compute.max_tokens_per_batch`): past that size its memory does not grow.
- `burnish one micro-batch` takes the whole batch at once, as TRL does: the like-for-like number.
- `trl` is SFTTrainer with its defaults, which recompute activations in the backward pass (ours does
  not); `trl without recomputation` is the setting in which it is fastest.

A batch that needs more memory than the machine has left ends its process and is left out. Without
TRL ours is measured alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import trl_peer
import updates
from table import Row, add_options, publish
from training_data import Settings
from workloads import CONFIGS, DTYPES, FIRST_WORD, build, settle, token_rows

from burnish.training.workbench import ComputeConfig
from burnish.types import Example

ENGINES = ("burnish", "burnish one micro-batch", "trl", "trl without recomputation")
PROC = Path("/proc/self")
SHARE_OF_FREE_MEMORY = 0.9


def update(engine: str, arguments: argparse.Namespace, num_tokens: int) -> int:
    """Bytes by which the peak of an update on `num_tokens` lies above what was held before it."""
    config = CONFIGS[arguments.model]
    rows = max(1, num_tokens // arguments.length)
    is_whole = engine == "burnish one micro-batch"
    settings = Settings(
        vocabulary=config.vocab_size,
        num_prompts=rows,
        num_samples=1,
        learning_rate=1e-5,
        max_tokens_per_batch=num_tokens if is_whole else arguments.max_tokens_per_batch,
    )
    loaded, held = build(config), Held()
    steps = [examples(rows, length, config.vocab_size) for length in (2, arguments.length)]
    if engine.startswith("burnish"):
        step = updates.sft(loaded, DTYPES["bfloat16"], settings)
        step(steps[0], 0)
        held.start()
        step(steps[1], 1)
        held.stop()
    else:
        marks = iter((lambda: None, held.start, held.stop))
        trl_peer.sft(
            loaded,
            steps,
            settings,
            "bfloat16",
            checkpointing=engine == "trl",
            at_end=lambda: next(marks)(),
        )
    return held.growth


class Held:
    """What this process holds, and the peak of what it held since `start`, in bytes."""

    def __init__(self) -> None:
        self.growth = 0
        self._before = 0

    def start(self) -> None:
        """Forget earlier peaks."""
        settle()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
            return
        if (PROC / "clear_refs").exists():
            (PROC / "clear_refs").write_text("5")  # the peak becomes what is resident now
        self._before = _resident("VmRSS")

    def stop(self) -> None:
        """Set `growth`."""
        settle()
        on_cuda = torch.cuda.is_available()
        peak = torch.cuda.max_memory_allocated() if on_cuda else _resident("VmHWM")
        self.growth = peak - self._before


def _resident(field: str) -> int:
    """From the kernel's account; elsewhere than on Linux the highest peak of the process."""
    if (PROC / "status").exists():
        lines = (PROC / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def examples(num_rows: int, length: int, vocabulary: int) -> list[Example]:
    """Rows whose first token is the prompt and all others the target."""
    flags = (False,) + (True,) * (length - 1)
    rows = token_rows(num_rows, length, vocabulary, seed=FIRST_WORD)
    return [Example(str(row), token_ids, flags) for row, token_ids in enumerate(rows)]


def in_child(engine: str, arguments: argparse.Namespace, num_tokens: int) -> int | None:
    """`update` in a fresh process; None where it did not fit."""
    command = [sys.executable, __file__, "--child", engine, "--tokens", str(num_tokens)]
    for name in ("model", "length", "max_tokens_per_batch", "threads"):
        command += [f"--{name.replace('_', '-')}", str(vars(arguments)[name])]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]
        print(f"{engine}, {num_tokens:,} tokens: left out, its process ended with: {reason}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def measure(engine: str, arguments: argparse.Namespace) -> list[Row]:
    """One row for each size that fits, and the growth per token between the ends."""
    found: dict[int, int] = {}
    for num_tokens in sorted(arguments.tokens):
        growth = in_child(engine, arguments, num_tokens)
        if growth is None:
            break  # a larger one fits still less
        found[num_tokens] = growth
    details = {"length": arguments.length}
    if engine == "burnish":
        details["max_tokens_per_batch"] = arguments.max_tokens_per_batch
    model = arguments.model
    rows = [
        Row(f"{model} {tokens} tokens", engine, growth, "bytes", "bfloat16", details)
        for tokens, growth in found.items()
    ]
    if len(found) > 1:
        first, *_, last = found
        slope = (found[last] - found[first]) / (last - first)
        sizes = {"from": first, "to": last}
        rows.append(
            Row(f"{model} growth", engine, slope, "bytes/token", "bfloat16", details | sizes)
        )
    return rows


def limit_memory() -> None:
    """A process that asks for more than the machine has left gets an error, not the machine."""
    meminfo = Path("/proc/meminfo")
    if torch.cuda.is_available() or not meminfo.exists():
        return
    fields = {line.split(":")[0]: line.split()[1] for line in meminfo.read_text().splitlines()}
    free = int(fields["MemAvailable"]) * 1024
    limit = int(SHARE_OF_FREE_MEMORY * free)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def engines_at_hand(names: Sequence[str]) -> list[str]:
    """Those that can be measured; says which cannot."""
    if trl_peer.is_installed():
        return list(names)
    print("TRL is not installed (pip install 'burnish[peers]'): ours is measured alone.")
    return [name for name in names if name.startswith("burnish")]


def main() -> None:
    """Measure each number in its own process, print the table, write the rows."""
    parser = argparse.ArgumentParser(description="Peak memory of one update, in bytes.")
    parser.add_argument("--tokens", nargs="+", type=int, default=[8192, 16384, 32768])
    parser.add_argument("--model", choices=CONFIGS, default="gemma")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--length", type=int, default=512, help="tokens of a row")
    default = ComputeConfig().max_tokens_per_batch
    parser.add_argument("--max-tokens-per-batch", type=int, default=default)
    parser.add_argument("--child", choices=ENGINES, help=argparse.SUPPRESS)
    add_options(parser, "memory")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.child:
        limit_memory()
        print(json.dumps(update(arguments.child, arguments, arguments.tokens[0])))
        return
    rows: list[Row] = []
    for engine in engines_at_hand(arguments.engines):
        rows += measure(engine, arguments)
    publish(rows, arguments)


if __name__ == "__main__":
    main()
