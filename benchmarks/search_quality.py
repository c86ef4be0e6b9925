"""Which search is right most often for the tokens it spends? Over runs and seeds.

    for s in 1 2 3 4 5; do
      burnish search POLICY-$s --value VALUES-$s --outcome RERANKER-$s --method greedy \
        --method vote --method orm --method bon --method weighted_vote --method beam \
        --method mcts --budget-tokens 250,500,1000,2000 --out runs/quality-$s seed=$s
    done
    python benchmarks/search_quality.py runs/quality-* --out quality.json --figure quality.svg

Folders are named NAME-SEED, those of one NAME are seeds of the same searches. Prints for each
method and budget the mean tokens of a question (sampled and read by the value model), accuracy with
its bootstrap interval over problems and its t interval over seeds, and how many points one method
(`--of`, by default mcts) is ahead of it, paired by problem and seed; then from which budget on that
method is the best, and where it is not.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from burnish.evaluation.search_quality import (
    Found,
    Place,
    Searched,
    ahead_of,
    highest_from,
    lead_of,
    quality_of,
)
from burnish.evaluation.statistics import Interval
from burnish.report.search_figure import CurvePoint, SearchCurve, search_figure
from burnish.report.wording import label
from burnish.types import Json

Growing = dict[str, dict[int, dict[Place, Found]]]


def name_and_seed(folder: Path) -> tuple[str, int]:
    """`quality-3` is seed 3 of `quality`; a folder without a number is seed 0 of itself."""
    name, _, seed = folder.resolve().name.rpartition("-")
    return (name, int(seed)) if name and seed.isdecimal() else (folder.resolve().name, 0)


def read(folders: Sequence[Path]) -> dict[str, Growing]:
    """What was found, by NAME; searches under way are left out."""
    found: dict[str, Growing] = {}
    for folder in folders:
        name, seed = name_and_seed(folder)
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        methods = found.setdefault(name, {})
        for method, rows in results["searches"].items():
            for budget in (int(tokens) for tokens, row in rows.items() if row is not None):
                places = methods.setdefault(method, {}).setdefault(budget, {})
                lines = (folder / f"{method}-{budget}.jsonl").read_text(encoding="utf-8")
                for row in map(json.loads, lines.splitlines()):
                    places[seed, row["id"]] = Found(row["is_correct"], row["tokens"])
    return found


def table(searched: Searched, of: str) -> str:
    """A row for each method and budget."""
    lines = [
        f"| method | budget | tokens | accuracy, % | over seeds | {label(of)} ahead | in seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for method, budgets in searched.items():
        for budget, places in sorted(budgets.items()):
            quality = quality_of(places)
            spread = "" if math.isnan(quality.spread) else f"± {100 * quality.spread:.1f}"
            accuracy = _points(quality.accuracy, sign="")
            cells = (label(method), budget, f"{quality.tokens:.0f}", accuracy, spread)
            lines.append(
                f"| {' | '.join(map(str, [*cells, *_lead(searched, of, method, budget)]))} |"
            )
    return "\n".join(lines)


def summary(searched: Searched, of: str) -> str:
    """From where on one method is highest, and at which budgets others are ahead of it."""
    start = highest_from(searched, of)
    behind = {
        budget: ", ".join(label(other) for other in others)
        for budget in sorted(searched[of])
        if (others := ahead_of(searched, of, budget))
    }
    found = (
        "is not highest at the largest budget" if start is None else f"is highest from {start} on"
    )
    told = "".join(f"\n{budget} tokens: ahead of it {others}" for budget, others in behind.items())
    return f"{label(of)} {found}{told}"


def as_json(searched: Searched, of: str) -> dict[str, Json]:
    """The numbers behind the table."""
    return {
        method: {
            str(budget): {
                **quality_of(places).as_json(),
                **_lead_json(searched, of, method, budget),
            }
            for budget, places in sorted(budgets.items())
        }
        for method, budgets in searched.items()
    }


def curves(found: Mapping[str, Searched]) -> list[SearchCurve]:
    """All searches, named by their folders, too, where there are several names."""
    return [
        SearchCurve(
            label(method) if len(found) == 1 else f"{label(method)}, {name}",
            method,
            tuple(sorted({_point(places) for places in budgets.values()}, key=lambda p: p.tokens)),
        )
        for name, searched in found.items()
        for method, budgets in searched.items()
    ]


def _point(places: Mapping[Place, Found]) -> CurvePoint:
    quality = quality_of(places)
    accuracy = quality.accuracy
    return CurvePoint(quality.tokens, accuracy.value, accuracy.low, accuracy.high)


def _lead(searched: Searched, of: str, method: str, budget: int) -> tuple[str, str]:
    places = searched.get(of, {}).get(budget)
    lead = lead_of(places, searched[method][budget]) if places and method != of else None
    if lead is None:
        return "", ""
    return _points(lead.difference, sign="+"), f"{lead.num_ahead} of {lead.num_seeds}"


def _lead_json(searched: Searched, of: str, method: str, budget: int) -> dict[str, Json]:
    places = searched.get(of, {}).get(budget)
    lead = lead_of(places, searched[method][budget]) if places and method != of else None
    return {} if lead is None else {f"{of}_ahead": lead.as_json()}


def _points(share: Interval, *, sign: str) -> str:
    value, low, high = (
        f"{100 * number:{sign}.1f}" for number in (share.value, share.low, share.high)
    )
    return f"{value} [{low}, {high}]"


def main() -> None:
    """Print the tables, write the files."""
    parser = argparse.ArgumentParser(description="Accuracy of searches against their tokens.")
    parser.add_argument("folders", nargs="+", type=Path, help="--out of burnish search: NAME-SEED")
    parser.add_argument("--of", default="mcts", help="the method whose lead is told")
    parser.add_argument("--out", type=Path, help="where the numbers go as JSON")
    parser.add_argument("--figure", type=Path, help="where the curves go as SVG")
    arguments = parser.parse_args()
    missing = [folder for folder in arguments.folders if not (folder / "results.json").is_file()]
    if missing:
        sys.exit(f"{missing[0]}: holds no results.json; name what --out of `burnish search` named")
    found = read(arguments.folders)
    for name, searched in found.items():
        print(f"{name}\n\n{table(searched, arguments.of)}\n")
        if arguments.of in searched:
            print(f"{summary(searched, arguments.of)}\n")
    if arguments.out is not None:
        numbers = {name: as_json(searched, arguments.of) for name, searched in found.items()}
        arguments.out.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    if arguments.figure is not None:
        arguments.figure.write_text(search_figure(curves(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
