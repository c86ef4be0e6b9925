"""Gold reward against KL from the reference, for every way to learn preferences, over seeds.

    for s in 1 2 3 4 5; do for m in rlhf dpo; do
      burnish train recipes/replies_$m.yaml seed=$s task.seed=$s --out runs/replies_$m-$s
    done; done
    python benchmarks/preference_curves.py runs/replies_* --out curves.json --figure curves.svg

Folders are named NAME-SEED. Reads what a run has measured on its dev problems while it trained,
also of runs under way, and prints for each NAME the gold reward where it starts, where it is best
and where it ends, with the KL there and the proxy reward; means over seeds with 95 % t intervals.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from self_correction import interval

from burnish.evaluation.reward_curve import RewardPoint, read_curve
from burnish.report.reward_figure import RewardCurve, RewardCurvePoint, reward_figure

Seeds = dict[int, list[RewardPoint]]


def name_and_seed(folder: Path) -> tuple[str, int]:
    """`replies_dpo-3` is seed 3 of `replies_dpo`; one without a number is seed 0 of itself."""
    name, _, seed = folder.resolve().name.rpartition("-")
    return (name, int(seed)) if name and seed.isdecimal() else (folder.resolve().name, 0)


def read(folders: Sequence[Path]) -> dict[str, Seeds]:
    """The curve of the last stage that has one, by NAME and seed."""
    found: dict[str, Seeds] = {}
    for folder in folders:
        name, seed = name_and_seed(folder)
        stages = sorted((folder / "stages").glob("[0-9]*"), reverse=True)
        curves = (read_curve(folder, stage) for stage in stages)
        curve = next((c for c in curves if len(c) > 1), None)
        if curve is None:
            sys.exit(f"{folder}: no stage of this run has measured its answers on dev")
        found.setdefault(name, {})[seed] = curve
    return found


def mean_points(seeds: Seeds) -> list[tuple[RewardPoint, float]]:
    """Point by point the means over seeds, with half the width of the gold reward's interval.

    Points are those that all seeds have, in order; runs of one NAME evaluate at the same steps.
    """
    points = []
    for row in zip(*seeds.values(), strict=False):
        gold, half = interval([point.gold or 0.0 for point in row])
        proxies = [point.proxy for point in row if point.proxy is not None]
        mean = RewardPoint(
            step=row[0].step,
            kl=fmean(point.kl for point in row),
            gold=gold,
            proxy=fmean(proxies) if proxies else None,
            length=fmean(point.length for point in row),
            no_eos=fmean(point.no_eos for point in row),
        )
        points.append((mean, 0.0 if math.isnan(half) else half))
    return points


def table(found: Mapping[str, Seeds]) -> str:
    """A row a NAME."""
    lines = [
        "| run | start | best | at KL | end | at KL | length | proxy, start to end | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, seeds in found.items():
        points = mean_points(seeds)
        (first, first_half), (last, last_half) = points[0], points[-1]
        best, best_half = max(points, key=lambda pair: pair[0].gold or 0.0)
        paid = "" if first.proxy is None else f"{first.proxy:+.2f} to {last.proxy:+.2f}"
        lines.append(
            f"| {name} | {_gold(first, first_half)} | {_gold(best, best_half)} | {best.kl:.1f} "
            f"| {_gold(last, last_half)} | {last.kl:.1f} "
            f"| {first.length:.0f} to {last.length:.0f} | {paid} | {len(seeds)} |"
        )
    return "\n".join(lines)


def drawn(found: Mapping[str, Seeds]) -> list[RewardCurve]:
    """The mean curves."""
    return [
        RewardCurve(
            name,
            tuple(
                RewardCurvePoint(
                    p.kl, p.gold or 0.0, (p.gold or 0.0) - half, (p.gold or 0.0) + half
                )
                for p, half in mean_points(seeds)
            ),
        )
        for name, seeds in found.items()
    ]


def _gold(point: RewardPoint, half: float) -> str:
    return f"{point.gold:.3f} ± {half:.3f}"


def main() -> None:
    """Print the table, write the files."""
    parser = argparse.ArgumentParser(description="Gold reward against KL from the reference.")
    parser.add_argument("folders", nargs="+", type=Path, help="run folders, each named NAME-SEED")
    parser.add_argument("--out", type=Path, help="where the numbers go as JSON")
    parser.add_argument("--figure", type=Path, help="where the curves go as SVG")
    args = parser.parse_args()
    found = read(args.folders)
    print(table(found))
    if args.out is not None:
        numbers = {
            name: {str(seed): [p.as_json() for p in curve] for seed, curve in seeds.items()}
            for name, seeds in found.items()
        }
        args.out.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    if args.figure is not None:
        args.figure.write_text(reward_figure(drawn(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
