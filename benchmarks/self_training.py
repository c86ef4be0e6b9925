"""ReST-MCTS* beside ReST-EM and Self-Rewarding, over seeds: what does each iteration gain?

    for s in 1 2 3 4 5; do for m in rest_mcts rest_em self_rewarding; do
      burnish train recipes/arithmetic_$m.yaml seed=$s task.seed=$s --out runs/arithmetic_$m-$s
    done; done
    python benchmarks/self_training.py runs

Reads the results of the runs and prints three tables: the policies' greedy accuracy by iteration,
ReST-MCTS*'s lead seed by seed, and its value models as choosers among the first policy's samples;
means over seeds with 95 % t intervals. `--out FILE` writes the numbers behind them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from self_correction import interval

METHODS: Mapping[str, tuple[str, str]] = {
    "arithmetic_rest_em": ("ReST-EM", "train"),
    "arithmetic_self_rewarding": ("Self-Rewarding", "train"),
    "arithmetic_rest_mcts": ("ReST-MCTS*", "policy"),
}
"""By recipe: the method's name, and what the stages are called that train its policy."""
START = "warm_up"
OURS = "ReST-MCTS*"
Numbers = dict[str, dict[int, dict[str, float]]]
"""By method, seed and column, in percent or tokens a question."""


def numbers(run: Path, stage: str) -> dict[str, float]:
    """Greedy accuracy of every iteration, what was charged, and the value models."""
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    found: dict[str, float] = {}
    for iteration, name in enumerate((START, f"{stage}_1", f"{stage}_2")):
        found[f"greedy_{iteration}"] = 100 * results[name]["greedy"]["value"]
    for number, of in enumerate(results.get("values", {}).values()):
        found[f"chosen_{number}"] = 100 * of["accuracy"]["value"]
        found[f"auc_{number}"] = 100 * of["auc"]
    return found | tokens(run)


def tokens(run: Path) -> dict[str, float]:
    """Tokens of each iteration: sampled by the policy, and read by the value model."""
    found: dict[str, float] = {}
    for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        iteration = row["stage"].rsplit("_", 1)[-1]
        for name in ("sampled_tokens", "value_tokens"):
            key = f"{name}_{iteration}"
            if f"search/{name}" in row:  # of one step
                found[key] = found.get(key, 0.0) + row[f"search/{name}"]
            if f"rollout/{name}" in row:  # up to this step
                found[key] = row[f"rollout/{name}"]
    return found


def read(runs: Path) -> Numbers:
    """Of the runs that have ended."""
    found: Numbers = {}
    for recipe, (method, stage) in METHODS.items():
        for path in sorted(runs.glob(f"{recipe}-[0-9]*/results.json")):
            seed = int(path.parent.name.rsplit("-", 1)[1])
            found.setdefault(method, {})[seed] = numbers(path.parent, stage)
    return found


def accuracies(found: Numbers) -> str:
    """Greedy accuracy by iteration, and what both iterations cost, a row a method."""
    lines = [
        "| method | start | iteration 1 | iteration 2 | gain | sampled | read | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, seeds in found.items():
        rows = list(seeds.values())
        cells = [_cell([row[f"greedy_{i}"] for row in rows]) for i in range(3)]
        cells.append(_cell([row["greedy_2"] - row["greedy_0"] for row in rows], sign="+"))
        cells += [_thousands(rows, name) for name in ("sampled_tokens", "value_tokens")]
        lines.append(f"| {method} | {' | '.join(cells)} | {len(rows)} |")
    return "\n".join(lines)


def leads(found: Numbers) -> str:
    """Points of greedy accuracy by which ReST-MCTS* is ahead, seed by seed."""
    lines = [
        "| ReST-MCTS* less | iteration 1 | ahead | iteration 2 | ahead |",
        "|---|---|---|---|---|",
    ]
    for method, seeds in found.items():
        if method == OURS:
            continue
        cells: list[str] = []
        for i in (1, 2):
            key = f"greedy_{i}"
            gaps = [found[OURS][s][key] - seeds[s][key] for s in seeds if s in found[OURS]]
            ahead = sum(gap > 0 for gap in gaps)
            cells += [_cell(gaps, sign="+"), f"{ahead} of {len(gaps)}"]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def choosers(found: Numbers) -> str:
    """Each value model's choice among the first policy's samples."""
    rows = list(found[OURS].values())
    lines = ["| value model | best-of-n | ahead of V_0 | AUC |", "|---|---|---|---|"]
    for number in range(sum(key.startswith("chosen_") for key in rows[0])):
        chosen = [row[f"chosen_{number}"] for row in rows]
        ahead = [row[f"chosen_{number}"] - row["chosen_0"] for row in rows]
        auc = [row[f"auc_{number}"] for row in rows]
        lines.append(f"| V_{number} | {_cell(chosen)} | {_cell(ahead, sign='+')} | {_cell(auc)} |")
    return "\n".join(lines)


def _thousands(rows: Sequence[Mapping[str, float]], name: str) -> str:
    """Tokens of both iterations, in thousands: the mean over seeds."""
    return f"{fmean(row.get(f'{name}_1', 0) + row.get(f'{name}_2', 0) for row in rows) / 1000:.0f}k"


def _cell(values: Sequence[float], *, sign: str = "") -> str:
    mean, half = interval(values)
    return f"{mean:{sign}.1f} ± {half:.1f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="ReST-MCTS* beside ReST-EM and Self-Rewarding.")
    parser.add_argument("runs", type=Path, help="folder of the runs, each named RECIPE-SEED")
    parser.add_argument("--out", type=Path, help="where the numbers go as JSON")
    args = parser.parse_args()
    found = read(args.runs)
    print(accuracies(found), leads(found), choosers(found), sep="\n\n")
    if args.out is not None:
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
