"""SCoRe beside its ablations and baselines, over seeds: which second attempts are best?

    for s in 1 2 3 4 5; do for r in recipes/arithmetic_score.yaml ...; do
      burnish train $r seed=$s task.seed=$s --out runs/$(basename $r .yaml)-$s
    done; done
    python benchmarks/self_correction.py runs

Reads the results of the runs and prints two tables: means over seeds with 95 % t intervals, and how
many points SCoRe's second attempts are ahead of each other model's, seed by seed. A method stands
with the model that its last stage hands on. `--out FILE` writes the numbers behind them.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy.stats import t as student_t

METHODS: Mapping[str, str] = {
    "arithmetic_self_refine": "base (Self-Refine)",
    "arithmetic_star": "STaR D",
    "arithmetic_star_plus": "STaR D+",
    "arithmetic_pair_sft": "Pair-SFT D",
    "arithmetic_pair_sft_plus": "Pair-SFT D+",
    "arithmetic_single_turn_rl": "single-turn RL (w/o multi-turn)",
    "arithmetic_score_star": "STaR in Stage II",
    "arithmetic_score_no_stage_one": "w/o Stage I",
    "arithmetic_score_no_bonus": "w/o bonus",
    "arithmetic_score": "SCoRe",
}
COLUMNS = ("accuracy_t1", "accuracy_t2", "delta", "fixed", "broken", "answer_change")
NOT_MODELS = {"base", "paired"}


def last_stage(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The numbers of the last stage's model; of the base model where nothing is trained."""
    stages = [
        found
        for name, found in results.items()
        if isinstance(found, dict) and "accuracy_t1" in found and name not in NOT_MODELS
    ]
    return stages[-1] if stages else results["base"]


def numbers(results: Mapping[str, Any]) -> dict[str, float]:
    """In percent of the test problems, by column."""
    found = last_stage(results)
    flat = {**found, **found["t1-t2"]}
    return {name: 100 * flat[name]["value"] for name in COLUMNS}


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % t interval over seeds (nan for a single one)."""
    if len(values) < 2:
        return fmean(values), math.nan
    quantile = float(student_t.ppf(0.975, len(values) - 1))
    return fmean(values), quantile * stdev(values) / math.sqrt(len(values))


def read(runs: Path) -> dict[str, dict[int, dict[str, float]]]:
    """Method -> seed -> numbers, of the runs that have ended."""
    found: dict[str, dict[int, dict[str, float]]] = {}
    for recipe, method in METHODS.items():
        for path in sorted(runs.glob(f"{recipe}-[0-9]*/results.json")):
            seed = int(path.parent.name.rsplit("-", 1)[1])
            results = json.loads(path.read_text(encoding="utf-8"))
            found.setdefault(method, {})[seed] = numbers(results)
    return found


def table(found: Mapping[str, Mapping[int, Mapping[str, float]]]) -> str:
    """The means, a row a method."""
    lines = [
        "| method | Acc@t1 | Acc@t2 | delta | fixed | broken | changed | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, seeds in found.items():
        cells = []
        for name in COLUMNS:
            mean, half = interval([row[name] for row in seeds.values()])
            sign = "+" if name == "delta" else ""
            cells.append(f"{mean:{sign}.1f} ± {half:.1f}")
        lines.append(f"| {method} | {' | '.join(cells)} | {len(seeds)} |")
    return "\n".join(lines)


def leads(found: Mapping[str, Mapping[int, Mapping[str, float]]], of: str = "SCoRe") -> str:
    """Points by which one method's Acc@t2 is ahead of each other's first and second attempts."""
    ours = found[of]
    lines = [f"| {of} at t2 less | at t2 | ahead | at t1 | ahead |", "|---|---|---|---|---|"]
    for method, seeds in found.items():
        if method == of:
            continue
        cells = []
        for name in ("accuracy_t2", "accuracy_t1"):
            gaps = [ours[s]["accuracy_t2"] - seeds[s][name] for s in seeds if s in ours]
            mean, half = interval(gaps)
            ahead = sum(gap > 0 for gap in gaps)
            cells += [f"{mean:+.1f} ± {half:.1f}", f"{ahead} of {len(gaps)}"]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="SCoRe beside its ablations and baselines.")
    parser.add_argument("runs", type=Path, help="folder of the runs, each named RECIPE-SEED")
    parser.add_argument("--out", type=Path, help="where the numbers go as JSON")
    args = parser.parse_args()
    found = read(args.runs)
    print(table(found), leads(found), sep="\n\n")
    if args.out is not None:
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
